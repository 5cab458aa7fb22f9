"""Codes of names, modules, declarations and imports (E02xx), and the limits that the analysis keeps (E0903, E0904, E0906)."""

from __future__ import annotations

from tensorlang.codes.record import Code

CODES: tuple[Code, ...] = (
    Code(
        "E0201", "a tensor is neither defined nor declared",
        "Every tensor that an equation reads is declared (`input`, `param`, `data`, `buffer`, `relation`) or stands on the "
        "left of an equation. A word that is neither is never taken for a new parameter: it would hide spelling mistakes.",
        "input X[b]\nY[b] = Xs[b]\n", "input X[b]\nY[b] = X[b]\n",
    ),
    Code(
        "E0202", "there is no such function or module",
        "A bracket right behind a name applies it. The name must be a built-in function, a module of this file, or one that "
        "was imported. For a product with a bracketed factor, put a space before the bracket.",
        "input X[b]\nY[b] = rellu(X[b])\n", "input X[b]\nY[b] = relu(X[b])\n",
    ),
    Code(
        "E0203", "a name is declared twice",
        "One name means one thing in a file or module. Several equations may define one tensor together, but a declaration "
        "stands once.",
        "input X[b]\nparam X[b]\n", "input X[b]\nparam W[b]\nY[b] = W[b] X[b]\n",
    ),
    Code(
        "E0204", "a tensor that is given cannot be defined too",
        "Inputs, parameters, data, buffers and literals get their values from outside the equations; an equation with one of "
        "them on its left would contradict that. Buffers change by `update`.",
        "input X[b]\nX[b] = 1\n", "input X[b]\nY[b] = X[b] + 1\n",
    ),
    Code(
        "E0205", "a capitalised word in index brackets is unknown",
        "Inside index brackets a word that starts with a capital letter is a constant: a `const`, a tensor that holds a "
        "position, or an entity of the axis. Indices start with a small letter.",
        "input X[b]\nY = X[Last]\n", "const Last = 3\ninput X[b]\nY = X[Last]\n",
    ),
    Code(
        "E0206", "a tensor with axes is read without indices",
        "In arithmetic a tensor stands with one entry for each of its axes. Only scalars are read by their bare names; whole "
        "tensors stand bare only where they are passed to a module or assigned whole.",
        "input X[b]\nY[b] = X\nZ[b] = 2 X\n", "input X[b]\nZ[b] = 2 X[b]\n",
    ),
    Code(
        "E0207", "a tensor stands with the wrong number of indices",
        "A tensor has as many axes as it was declared or first defined with, and each access names one entry for each. `...` "
        "stands for the rest, `:` for one whole axis.",
        "input X[b,i]\nY[b] = X[b]\n", "input X[b,i]\nY[b] = X[b,i]\n",
    ),
    Code(
        "E0208", "a module stands where a tensor is expected, or the other way round",
        "A module is applied to tensors (`Linear(X, o=3)`) before it has a value; index brackets stand behind tensors and "
        "the results of applications.",
        "import nn\ninput X[b,i]\nY[b,i] = nn[b,i] X[b,i]\n",
        "import nn\ninput X[b,i]\nY[b,o] = nn.Linear(X, o=3)[b,o]\n",
    ),
    Code(
        "E0209", "no such module is imported",
        "`name.Module(...)` needs `import name` in the same file.",
        "input X[b,i]\nY[b,o] = nn.Linear(X, o=3)[b,o]\n",
        "import nn\ninput X[b,i]\nY[b,o] = nn.Linear(X, o=3)[b,o]\n",
    ),
    Code("E0210", "nothing can be imported here", "The setting that the program is analysed in gives no access to other "
         "files."),
    Code("E0211", "a data file cannot be looked at", "The setting that the program is analysed in gives no access to files."),
    Code(
        "E0213", "a module is applied to the wrong arguments",
        "Arguments are given by position in the order of the formals, or by name (`o=128`). Each formal without a default is "
        "given exactly once.",
        "import nn\ninput X[b,i]\nY[b,o] = nn.Linear(X, width=3)[b,o]\n",
        "import nn\ninput X[b,i]\nY[b,o] = nn.Linear(X, o=3)[b,o]\n",
    ),
    Code(
        "E0214", "a module does not define its result",
        "The tensor behind `->` is what an application gives; an equation of the body must define it.",
        "def Twice(X[i]) -> Y[i]:\n    Z[i] = 2 X[i]\ninput A[i]\nB = Twice(A)\n",
        "def Twice(X[i]) -> Y[i]:\n    Y[i] = 2 X[i]\ninput A[i]\nB = Twice(A)\n",
    ),
    Code(
        "E0215", "a module has nothing of that name",
        "Behind the dot stands something that the imported file, the instance or the application defines.",
        "import nn\ninput X[b,i]\nY[b,o] = nn.Liner(X, o=3)[b,o]\n",
        "import nn\ninput X[b,i]\nY[b,o] = nn.Linear(X, o=3)[b,o]\n",
    ),
    Code(
        "E0216", "a name is built in",
        "Built-in constants (`pi`, `inf`, `im`, `delta`, `dft`...) and functions keep their meaning in every program.",
        "const pi = 3\n", "const third = 3\n",
    ),
    Code(
        "E0217", "`...` does not stand for a known number of axes",
        "In one equation `...` stands for the same axes everywhere: those that the other entries of a tensor leave over. "
        "Some tensor on the right must have a known number of axes.",
        "input X[a,b,i], Z[i]\nY[...] = X[..., i] Z[..., i]\n", "input X[a,b,i], Z[i]\nY[...] = X[..., i] Z[i]\n",
    ),
    Code(
        "E0218", "a module's argument is not a whole tensor",
        "A module maps tensors to tensors: whole ones (`X`), parts (`X[0:2,:]`), those at indices (`S[l]`), and what other "
        "modules give. An expression is given a name by an equation of its own and passed by it.",
        "import nn\ninput X[b,i]\nY = nn.Linear(2 X[b,i], o=3)\n",
        "import nn\ninput X[b,i]\nTwice[b,i] = 2 X[b,i]\nY = nn.Linear(Twice, o=3)\n",
    ),
    Code(
        "E0219", "a bracket applies something that is no function",
        "Right behind a name a round bracket applies a function, a relation or a module. Tensors take square brackets, and a "
        "product with a bracketed factor has a space before the bracket.",
        "input X[b]\nY[b] = X(b)\n", "input X[b]\nY[b] = X[b]\n",
    ),
    Code(
        "E0221", "there is no such parameter",
        "`over W, B` and `load W from` name parameters as the program does; an instance stands for all of its own.",
        "input X[b]\nparam W[b]\nL = (W[b] X[b] - 1)^2\nminimize L with sgd(lr=0.1), epochs=1 over V\n",
        "input X[b]\nparam W[b]\nL = (W[b] X[b] - 1)^2\nminimize L with sgd(lr=0.1), epochs=1 over W\n",
    ),
    Code(
        "E0222", "an initialiser is unknown or has the wrong arguments",
        "A parameter starts as `~ zeros()`, `ones()`, `const(c)`, `normal(mean, std)`, `uniform(a, b)`, `glorot()`, `he()`, "
        "`orthogonal()`, `eye()` or `mup()`.",
        "dim i = 2\nparam W[i] ~ gloro()\nY[i] = W[i]\n", "dim i = 2\nparam W[i] ~ zeros()\nY[i] = W[i]\n",
    ),
    Code(
        "E0223", "a statement has no meaning inside a module",
        "A module's body holds parameters, buffers, sizes and equations. What a program does (queries, training, files) and "
        "what it is given (inputs, data) stands in the file itself.",
        "def F(X[i]) -> Y[i]:\n    Y[i] = X[i]\n    Y?\ninput A[i]\nB = F(A)\n",
        "def F(X[i]) -> Y[i]:\n    Y[i] = X[i]\ninput A[i]\nB = F(A)\nB?\n",
    ),
    Code(
        "E0224", "a constant is not known beforehand",
        "`const` names a number: written out, or computed from other constants and sizes. What depends on tensors is an "
        "equation.",
        "input X\nconst c = X\n", "input X\nC = X\n",
    ),
    Code(
        "E0225", "a size is not an integer over other sizes",
        "The size of a `dim` is a number, a constant, or arithmetic on the sizes of other dims (`2*|d| + 1`).",
        "dim d = 1.5\n", "dim d = 2\n",
    ),
    Code(
        "E0226", "an element type is unknown or does not fit",
        "Elements are float (the default), float64, bf16, int, bool or complex. A tensor that holds positions (`in v`) is int.",
        "dim v = 3\ninput float T[b] in v\nY[b] = T[b]\n", "dim v = 3\ninput T[b] in v\nY[b] = T[b]\n",
    ),
    Code(
        "E0227", "an axis of a declaration is not labelled by an index name",
        "The axes of a declared tensor are labelled by plain index names; their sizes come from `dim`s, from data or from the "
        "call.",
        "input X[b+1]\nY[b] = X[b]\n", "input X[b]\nY[b] = X[b]\n",
    ),
    Code(
        "E0228", "a declaration does not say right where its data comes from",
        "`data` is read from a file once, when the program is loaded: `data D[n,i] = load(\"digits.npz\", \"X\")[0:1500]`.",
        "data D[n]\nY[n] = D[n]\n", "input D[n]\nY[n] = D[n]\n",
    ),
    Code("E0229", "a file does not have the axes that are declared", "The declaration names one index for each axis of the "
         "array in the file."),
    Code(
        "E0230", "`update` changes something that is no buffer",
        "Only buffers are changed by `update`; parameters are changed by `minimize`, everything else by its equations.",
        "param R[i]\ndim i = 2\nupdate R[i] = 2 R[i]\nY[i] = R[i]\n",
        "buffer R[i] ~ zeros()\ndim i = 2\nupdate R[i] = 2 R[i]\nY[i] = R[i]\n",
    ),
    Code(
        "E0231", "a literal in square brackets is malformed or misplaced",
        "A literal is the whole right side of an equation without indices on its left: numbers in square brackets, nested for "
        "more axes, all rows of one length.",
        "W = [[1, 2], [3]]\n", "W = [[1, 2], [3, 4]]\n",
    ),
    Code(
        "E0232", "a tensor is declared and never defined",
        "An element type declared for a tensor (`int Y[i]`) says what its equations give; some equation must define it.",
        "int Y[i]\ninput X[i]\nZ[i] = X[i]\n", "int Y[i]\ninput int X[i]\nY[i] = X[i]\n",
    ),
    Code(
        "E0233", "a module that is applied along an index updates a buffer that all of its applications share",
        "A buffer has one next value. `Block[l](S[l])` has buffers of its own for each `l`, and updates each; `Block(S[l])` has "
        "one for all of them.",
        "dim i = 2, l = 3\ninput X[i]\ndef Block(X[i]) -> Y[i]:\n    buffer R[i] ~ zeros()\n    update R[i] = X[i]\n"
        "    Y[i] = X[i] + R[i]\nS[0] = X\nS[l+1] = Block(S[l])\n",
        "dim i = 2, l = 3\ninput X[i]\ndef Block(X[i]) -> Y[i]:\n    buffer R[i] ~ zeros()\n    update R[i] = X[i]\n"
        "    Y[i] = X[i] + R[i]\nS[0] = X\nS[l+1] = Block[l](S[l])\n",
    ),
    Code("E0903", "an equation has too many indices", "`--limit-indices` says how many indices one equation may have."),
    Code(
        "E0904", "modules stand inside modules too deep",
        "A module that applies itself would never end: depth is an index of a recurrence, not a module inside itself. "
        "`--limit-modules` says how deep applications may stand inside each other.",
        "def F(X[i]) -> Y[i]:\n    Y = F(X)\ninput A[i]\nB = F(A)\n",
        "def F(X[i]) -> Y[i]:\n    Y[i] = X[i]\ninput A[i]\nB = F(A)\n",
    ),
    Code("E0906", "a program has too many equations", "`--limit-equations` says how many equations a program may have after "
         "its modules are expanded."),
)  # fmt: skip
