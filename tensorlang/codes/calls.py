"""Codes of imports, of calls and their inputs, of options, and of the limits on memory, work and time."""

from __future__ import annotations

from tensorlang.codes.record import Code

IMPORTS: tuple[Code, ...] = (
    Code(
        "E0280",
        "there is no module of this name",
        "`import nn` looks in the library that comes with the language. A file of your own is imported by its path in "
        "quotes, which starts from the folder of the file that imports it.",
        "import layers",
        'import "./layers.tl"',
    ),
    Code(
        "E0282",
        "imports go in a circle",
        "A file that is imported may not import, directly or through others, a file that is still being read. Move "
        "what both need into a third file.",
    ),
)

CALLS: tuple[Code, ...] = (
    Code(
        "E0601",
        "something was given that the program does not take",
        "A call gives tensors by the names that the program declares with `input` (and its relations that are not "
        "filled by the program itself). Everything else is computed, learned or loaded, and cannot be given.",
        "prog(x=images)",
        "prog(X=images)   # the program says `input X[b,i]`",
    ),
    Code(
        "E0602",
        "an input is missing",
        "The tensors that were asked for depend on an input that was not given. Give it by its name: `prog(X=x)` in "
        "Python, `--input X=x.npy` on the command line, `:set X = ...` in the prompt.",
    ),
    Code(
        "E0603",
        "an input has the wrong number of axes",
        "The declaration of an input names its axes one by one, and what is given must have as many, in that order. "
        "No axis is added or dropped silently, since a size that fits by chance would then go unnoticed.",
        "prog(X=torch.ones(5))   # input X[b,i]",
        "prog(X=torch.ones(1, 5))",
    ),
    Code(
        "E0604",
        "an axis has the wrong size",
        "The size of this axis is fixed by the program (a number, a `dim`, or an expression such as `2*|n| + 1`), by "
        "the caller (`dims=`), or by a data file, and the tensor that was given has another.",
        "dim d = 64\ninput X[b,d]   # given as 32 x 63",
        "dim d = 64\ninput X[b,d]   # given as 32 x 64",
    ),
    Code(
        "E0605",
        "an input has the wrong element type",
        "Integers and truth values are converted to numbers where the program wants numbers, since nothing is lost. "
        "Numbers with a fraction are not rounded to integers, complex numbers not cut to real ones, and a tensor of "
        "higher precision than the program computes in is not narrowed silently: convert it yourself, or compile "
        "with that `dtype`.",
        "prog(Tok=torch.tensor([1.0, 2.0]))   # input Tok[t] in v",
        "prog(Tok=torch.tensor([1, 2]))",
    ),
    Code(
        "E0606",
        "tensors are on different devices",
        "All inputs of a call must be where the program's parameters and data are. `prog.to(device)` moves the "
        "program, `x.to(device)` a tensor.",
    ),
    Code(
        "E0607",
        "a position lies outside its domain",
        "An input declared with `in v` holds positions of the domain `v`: integers from 0 to its size less one. A "
        "negative value is no position here: counting from the end works for constants in the program only.",
    ),
    Code(
        "E0608",
        "more tensors were given than the program has inputs",
        "Tensors given without names are taken in the order in which the program declares its inputs.",
    ),
    Code(
        "E0609",
        "the program has no such tensor",
        "Only tensors that the program declares or defines can be asked for, by the names that it gives them. Those "
        "inside a module's application carry its name in front: `H.W`.",
    ),
    Code(
        "E0610",
        "a size is not known",
        "Nothing that was given binds this size. Give the `dim` a number in the program, or from outside: `--dim "
        "d=64` on the"
        'command line, `dims={"d": 64}` in Python.',
        "dim d\nparam W[d]\nY = W[d] W[d]",
        "dim d = 64\nparam W[d]\nY = W[d] W[d]",
    ),
    Code(
        "E0611",
        "a size was given that cannot be used",
        "Sizes from outside are whole numbers of at least 1 for domains that the program declares with `dim`.",
    ),
    Code(
        "E0612",
        "this cannot be made into a tensor",
        "Inputs are torch tensors, numpy arrays, numbers, or (nested) lists of numbers in rows of equal length.",
    ),
    Code(
        "E0613",
        "an axis would have a negative size",
        "The sizes that were given leave nothing over for a tensor of the program: a convolution whose filter is "
        "longer than its input has no valid position, for one.",
        "Y[x] = F[dx] X[x+dx]   # F of 5, X of 3",
        "dim x\ninput X[x]\nY[x] = F[dx] X[x+dx]   # outside X is 0",
    ),
    Code(
        "E0614",
        "the parameters have their sizes already",
        "A parameter whose size is not written in the program takes it from the first call (or from the weights that "
        "were loaded) and keeps it. Later calls must fit it.",
    ),
    Code(
        "E0615",
        "an option has a value that does not exist",
        "`dtype` is float32, float64 or bfloat16; `device` is a device of torch that this machine has (`cpu`, "
        "`cuda`, `cuda:1`, `mps`).",
    ),
    Code(
        "E0616",
        "the program has no such constant or scalar input",
        "`--set name=value` (in Python `values=`) replaces the number of a `const`, or gives an `input` without "
        "axes. Sizes are given with `--dim`, tensors with `--input`.",
        "tensorlang run model.tl --set rate=0.1",
        "const rate = 0.01   # in model.tl",
    ),
    Code(
        "E0617",
        "an assertion does not hold",
        "All elements of an `assert` must be true. Where it compares two sides, the message shows both at the "
        "element where they are furthest apart.",
        "assert 1 + 1 == 3",
        "assert 1 + 1 == 2",
    ),
    Code(
        "E0618",
        "there is no such stage",
        "`--stage` takes the name of a stage of the compiler: the tree of the text, the program with every sum "
        "written out, the program after each pass, the plan, or the generated source.",
    ),
    Code(
        "E0619",
        "the program cannot be read",
        "A program is one text file in UTF-8, of an ordinary size.",
    ),
)

LIMITS: tuple[Code, ...] = (
    Code(
        "E0901",
        "the program needs more memory than it may use",
        "Before anything runs, the bytes of every tensor and of every intermediate step are added up for the sizes "
        "at hand. The limit is half of the machine's memory unless `--limit-memory` (in Python `Limits(memory=...)`) "
        "says otherwise. A training counts what its gradient keeps until the backward pass too, and for each parameter its "
        "gradient and two numbers of the optimiser.",
        "Y[a,b,c,d] = A[a] B[b] C[c] D[d]   # each of 10,000",
        "Y = sum[a](A[a]) sum[b](B[b]) sum[c](C[c]) sum[d](D[d])",
    ),
    Code(
        "E0902",
        "the program would take more operations than it may",
        "Before anything runs, the multiplications and other steps are counted for the sizes at hand. "
        "`--limit-operations` (in Python `Limits(operations=...)`) sets the limit.",
    ),
    Code(
        "W0903",
        "a gradient keeps more memory than its budget",
        "`--memory-budget SIZE` (in Python `memory_budget=`) says how much a gradient may keep between a call and its "
        "backward pass. Loops that keep more store some of their positions and compute the others again. What is kept "
        "beside loops, and the positions that are stored, cannot be made less; the program runs all the same.",
    ),
    Code(
        "W0904",
        "a table is made of what is on pairs",
        "A relation that is given on pairs, and what is made of it, is computed pair by pair: products and guards with it, "
        "sums, reductions and softmax over its indices. Where an equation asks for elements that the pairs do not lead to "
        "(`exp(Edge[n,n'])` is 1 where there is no pair), all elements are computed. The result is right, but takes time "
        "and memory of the whole table.",
        "Y[n] = sum[n'](exp(Edge[n,n']) H[n'])",
        "Y[n] = sum[n'](exp(Edge[n,n']) H[n'] where Edge(n,n'))",
    ),
    Code(
        "E0914",
        "a memory budget that is no number of bytes",
        "`memory_budget=512 * 2**20` is what a gradient may keep, in bytes; 0 sets no budget. On the command line it is "
        "`--memory-budget 512M`.",
    ),
    Code(
        "E0911",
        "too many files are imported",
        "Imports of imports count too. `--limit-imports` (in Python `Limits(imports=...)`) sets the limit.",
    ),
    Code(
        "E0912",
        "the program ran longer than it may",
        "`--limit-time` (in Python `Limits(time=...)`) gives a run a number of seconds; 0 is no limit.",
    ),
)

CODES: tuple[Code, ...] = (*IMPORTS, *CALLS, *LIMITS)
