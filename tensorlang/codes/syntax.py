"""Codes of the syntax stage: what a text can do that no program does."""

from __future__ import annotations

from tensorlang.codes.record import Code

_WRITING: tuple[Code, ...] = (
    Code(
        "E0101",
        "a statement that cannot be read",
        "Up to the marked place the statement could have become a program, and from there on it cannot. The "
        "message names what stands there and what could stand there instead.",
        'save Y "y.npy"',
        'save Y to "y.npy"',
    ),
    Code(
        "E0102",
        "a character that is no part of the language",
        "Names are made of letters (of any alphabet), digits, `_` and primes; operators are written with the "
        "characters of an ordinary keyboard: `*` or a space for a product, `-`, `<=`, `!=`, `and`, `^2`. "
        "Characters that only look alike, such as the minus sign of a typeset formula or a space that does "
        "not break, often come with copied text.",
        "Y[i] = A[i] × B[i]",
        "Y[i] = A[i] B[i]",
    ),
    Code(
        "E0103",
        "a text without its closing quotation mark",
        'A text in quotation marks ends on the line it begins on. A quotation mark inside it is written `\\"`.',
        'data D[n,i] = load("digits.csv)',
        'data D[n,i] = load("digits.csv")',
    ),
    Code(
        "E0104",
        "a bracket that is never closed",
        "Every `(` needs a `)` and every `[` a `]`. While a bracket is open a statement goes on over line "
        "ends, so a missing one is noticed late; it is taken to end where the next line can only be a new "
        "definition.",
        "Y[b = relu(X[b])",
        "Y[b] = relu(X[b])",
    ),
    Code(
        "E0105",
        "a closing bracket that closes nothing",
        "There is one closing bracket too many, or it is of the other kind than the one it should close.",
        "Y[b] = relu(X[b]))",
        "Y[b] = relu(X[b])",
    ),
    Code(
        "E0106",
        "quotation marks of another kind",
        'Texts stand in straight double quotation marks: `"digits.csv"`. A single one is the prime of a name '
        "(`t'`), and typographic ones come from word processors.",
        "data D[n,i] = load(“digits.csv”)",
        'data D[n,i] = load("digits.csv")',
    ),
    Code(
        "E0107",
        "an unknown escape in a text",
        'Inside a text a backslash begins one of `\\\\`, `\\"`, `\\n` and `\\t`. Paths are written with `/` on '
        "every system.",
        'data D[n,i] = load("data\\digits.csv")',
        'data D[n,i] = load("data/digits.csv")',
    ),
    Code(
        "E0108",
        "a number that cannot be read",
        "A name may not begin with a digit, and a number that multiplies a name needs a space before it: `2 "
        "x`. An integer must fit 64 bits, a number with a point or an exponent a floating-point number, and none "
        "has more than 1000 digits; infinity is `inf`.",
        "Y[i] = 2x[i]",
        "Y[i] = 2 x[i]",
    ),
    Code(
        "E0109",
        "`:=` for a definition",
        "A definition is an equation and is written with `=`.",
        "Y[i] := X[i]",
        "Y[i] = X[i]",
    ),
    Code(
        "E0110",
        "`==` for a definition",
        "`==` asks whether two values are equal; one `=` defines. A comparison alone on a line does nothing.",
        "Y[i] == X[i]",
        "Y[i] = X[i]",
    ),
    Code(
        "E0111",
        "another sign for the arrow of a rule",
        "A rule is written `Head(x,z) <- Body(x,y), Other(y,z)`: what follows stands on the left of `<-`. "
        "`<=` compares, `->` stands before the result of a `def`.",
        "Ancestor(x,z) :- Parent(x,y), Ancestor(y,z)",
        "Ancestor(x,z) <- Parent(x,y), Ancestor(y,z)",
    ),
    Code(
        "E0112",
        "`**` for a power",
        "A power is written with `^`: `X[i]^2`.",
        "Y[i] = X[i]**2",
        "Y[i] = X[i]^2",
    ),
    Code(
        "E0113",
        "`@` for a matrix product",
        "There is no sign for a matrix product, since the indices say it: those that two factors share and "
        "the left side does not name are summed.",
        "Y = W @ X",
        "Y[o,b] = W[o,i] X[i,b]",
    ),
    Code(
        "E0114",
        "a sign for a logical word",
        "Conditions are joined with the words `and`, `or` and `not`.",
        "Y[i] = X[i] where i > 0 && i < 5",
        "Y[i] = X[i] where i > 0 and i < 5",
    ),
    Code(
        "E0115",
        "another sign for a comparison",
        "The comparisons are `==`, `!=`, `<`, `<=`, `>` and `>=`.",
        "Sibling(x,y) <- Parent(p,x), Parent(p,y), x <> y",
        "Sibling(x,y) <- Parent(p,x), Parent(p,y), x != y",
    ),
    Code(
        "E0116",
        "`//`",
        "Between positions `/` divides and rounds down by itself: `F[x/2]`. Elsewhere write `floor(a / b)`. A "
        "comment begins with `#`.",
        "Pooled[x//2] max= F[x]",
        "Pooled[x/2] max= F[x]",
    ),
    Code(
        "E0117",
        "an unknown aggregate",
        "What is not on the left is summed by `=`. Other projections are `max=`, `min=`, `avg=`, `prod=`, "
        "`or=`, `and=`, `logsumexp=`, and `+=`, which always adds. Tensors are defined, not changed, so there "
        "is no `-=` or `*=`.",
        "Y[b] mean= X[b,i]",
        "Y[b] avg= X[b,i]",
    ),
    Code(
        "E0118",
        "a construct of another language",
        "Equations are the only construct: an index ranges over its whole domain by itself, so there are no "
        "loops; a condition is `a if c else b` inside an expression or `where` behind it; a module says what "
        "it gives in its first line, so nothing returns; `Y?` prints.",
        "for i in range(3): Y[i] = X[i]",
        "Y[i] = X[i]",
    ),
    Code(
        "E0119",
        "a header without its colon",
        "The first line of a `def` or a `test` ends in `:`; its body follows, indented or on the same line.",
        "def Double(X[i]) -> Y[i]\n    Y[i] = 2 X[i]",
        "def Double(X[i]) -> Y[i]:\n    Y[i] = 2 X[i]",
    ),
    Code(
        "E0120",
        "a line with unexpected indentation",
        "Only the body of a `def` or a `test` is indented, all its lines alike. A statement goes on over a "
        "line end only while a bracket is open, or where a line ends or begins with an operator, a comma or "
        "`where`.",
        "Y[i] = A[i]\n    B[i]",
        "Y[i] = A[i] *\n    B[i]",
    ),
    Code(
        "E0121",
        "tabs and spaces mixed in the indentation",
        "The lines of one block begin with the same white space. `tensorlang fmt` writes four spaces.",
        "def F(X[i]) -> Y[i]:\n    A[i] = X[i]\n\tY[i] = 2 A[i]",
        "def F(X[i]) -> Y[i]:\n    A[i] = X[i]\n    Y[i] = 2 A[i]",
    ),
    Code(
        "E0122",
        "a header without a body",
        "A `def` and a `test` have a body: indented lines below them, or statements behind the `:`.",
        "def F(X[i]) -> Y[i]:\nZ[i] = A[i]",
        "def F(X[i]) -> Y[i]:\n    Y[i] = 2 X[i]\nZ[i] = A[i]",
    ),
    Code(
        "E0921",
        "the program is too long",
        "One source file may have at most this many characters. Large constants belong into data files, parts "
        "of a program into modules of their own; `--limit-source` sets the limit.",
    ),
    Code(
        "E0922",
        "the program is nested too deep",
        "Brackets, powers and conditions may stand inside each other only so many times; `--limit-nesting` "
        "sets the limit.",
    ),
)

_MEANT: tuple[Code, ...] = (
    Code(
        "E0123",
        "a factor behind a denominator",
        "Readers differ on `A / B C`: some divide by `B C`, some divide by `B` and multiply by `C`. Brackets "
        "decide; with an explicit `*` the operations go from left to right.",
        "Y[i] = A[i] / B[i] C[i]",
        "Y[i] = A[i] / (B[i] C[i])",
    ),
    Code(
        "E0124",
        "a space before the bracket of a function",
        "A bracket right behind a name applies it; behind a space it begins a new factor, as in `a (b + c)`. "
        "So a function and its bracket are written together.",
        "Y[i] = relu (X[i])",
        "Y[i] = relu(X[i])",
    ),
    Code(
        "E0125",
        "a tensor that is applied like a function",
        "A bracket right behind `]` applies what stands before it, as in `sum[j](e)` or `Block[l](X)`. A "
        "tensor cannot be applied; a product with what is in the bracket needs a space.",
        "A[i] = X[i]\nY[i] = A[i](B[i] + 1)",
        "A[i] = X[i]\nY[i] = A[i] (B[i] + 1)",
    ),
    Code(
        "E0126",
        "a space before the bracket of indices",
        "The square bracket of indices touches its tensor. Behind a space a square bracket is a list of numbers.",
        "Y[i] = X [i]",
        "Y[i] = X[i]",
    ),
    Code(
        "E0127",
        "indices without a comma",
        "Indices are separated by commas: `X[i,j]`. A space alone would multiply positions; `(i j)` in "
        "brackets of its own lays two indices out as one axis.",
        "Y[i] = X[i j]",
        "Y[i] = X[i,j]",
    ),
    Code(
        "E0128",
        "a comma between factors",
        "The factors of a product stand next to each other, or have `*` between them. Commas separate "
        "indices, arguments and the conditions of a rule.",
        "Y[o] = W[o,i], X[i]",
        "Y[o] = W[o,i] X[i]",
    ),
    Code(
        "E0129",
        "something on the left that cannot be defined",
        "On the left of an equation stands one tensor with its indices, or a bare name: `Y[b,o] = ...`, "
        "`Path(x,z) = ...`, `Loss = ...`. Equations are not solved for what stands inside an expression.",
        "2 Y[i] = X[i]",
        "Y[i] = X[i] / 2",
    ),
    Code(
        "E0130",
        "an expression by itself",
        "A statement defines, declares, asks or acts. An expression alone does none of it; with `?` behind "
        "it, it is printed. A relation with its places alone is a fact: `Parent(Alice, Bob)`.",
        "X[i] + 1",
        "X[i] + 1?",
    ),
    Code(
        "E0131",
        "a misspelt keyword",
        "Two words in a row at the start of a statement begin a declaration or an action, but the first one "
        "is no keyword.",
        "parm W[o,i] ~ glorot()",
        "param W[o,i] ~ glorot()",
    ),
    Code(
        "E0132",
        "`why` without `?`",
        "`why` asks for the proof of an answer, and a question ends in `?`.",
        "why Ancestor(Alice, Dan)",
        "why Ancestor(Alice, Dan)?",
    ),
    Code(
        "E0133",
        "a faulty addition to a declared tensor",
        "Behind a declared tensor may stand, each once: its element type (`: complex`; also float, float64, "
        "bf16, int, bool), the domain of its values (`in v`), how it is initialised (`~ glorot()`), what it "
        "is (`= load(...)`).",
        "input U[x]: cmplx",
        "input U[x]: complex",
    ),
    Code(
        "E0134",
        "a word of the language for a name",
        "`and`, `or`, `not`, `if`, `else` and `where` mean something in every expression and cannot name a "
        "tensor or an index.",
        "where = 3",
        "place = 3",
    ),
    Code(
        "E0135",
        "the head of a rule is no relation",
        "On the left of `<-` stands a relation with its places in round brackets. A tensor with square "
        "brackets is defined with `=`.",
        "Path[x,y] <- Edge(x,y)",
        "Path(x,y) <- Edge(x,y)",
    ),
    Code(
        "E0136",
        "a dotted index on the right",
        "The dot of `Y[q,s.]` says which index a function without brackets runs along, and stands on the left "
        "only. On the right the function names it: `softmax[s](...)`.",
        "Y[q,s] = softmax(X[q,s.])",
        "Y[q,s] = softmax[s](X[q,s])",
    ),
    Code(
        "E0137",
        "a full stop at the end",
        "Facts and rules end with the line, or with `;` where several stand on one line. A dot joins a module "
        "and a name: `nn.Linear`.",
        "Parent(Alice, Bob).",
        "Parent(Alice, Bob)",
    ),
    Code(
        "E0138",
        "brackets with nothing in them",
        "A tensor without indices is written without brackets. All of an axis is `:`, all axes `...`.",
        "Y[i] = X[]",
        "Y[i] = X[i]",
    ),
    Code(
        "E0139",
        "a missing operand",
        "An operator stands between two operands, and one of them is not there.",
        "Y[i] = (A[i] +)",
        "Y[i] = (A[i] + B[i])",
    ),
    Code(
        "E0140",
        "a module without a result",
        "The first line of a module names what it gives: `def Linear(X[..., i], o) -> Y[..., o]:`.",
        "def Double(X[i]):\n    Y[i] = 2 X[i]",
        "def Double(X[i]) -> Y[i]:\n    Y[i] = 2 X[i]",
    ),
    Code(
        "E0141",
        "an option without a name",
        "`minimize` takes a method with named settings, then named options: `minimize Loss with "
        "adam(lr=1e-3), epochs=20`.",
        "minimize Loss with adam(0.001), epochs=20",
        "minimize Loss with adam(lr=0.001), epochs=20",
    ),
    Code(
        "E0142",
        "a range with a step",
        "A range has a beginning and an end: `X[0:10]`. A step is an equation: `Y[i] = X[2*i]`.",
        "Y[i] = X[0:10:2]",
        "Y[i] = X[2*i]",
    ),
    Code(
        "E0143",
        "`if` without `else`",
        "`a if c else b` always has a value. To define only some elements, write `where`.",
        "Y[i] = X[i] if i > 0",
        "Y[i] = X[i] where i > 0",
    ),
    Code(
        "E0144",
        "a misplaced `where`",
        "`where` stands once, at the end of an equation, and limits all of it; several conditions are joined "
        "with `and` or commas. In the brackets of a function it limits that one: `sum[j](X[i,j] where j < "
        "i)`. A rule takes its conditions behind commas.",
        "Y[i] = (X[i] where i > 0) + 1",
        "Y[i] = X[i] + 1 where i > 0",
    ),
    Code(
        "E0145",
        "bars around something that is no domain",
        "`|d|` is the size of the domain `d`. An absolute value is `abs(...)`, a norm `norm[i](...)`, and "
        "`or` is the word.",
        "Y[i] = |X[i]|",
        "Y[i] = abs(X[i])",
    ),
    Code(
        "E0146",
        "a second `=` in one statement",
        "One equation defines one tensor. Equality inside an expression is `==`; two statements on one line "
        "have `;` between them.",
        "A[i] = B[i] = C[i]",
        "B[i] = C[i]; A[i] = B[i]",
    ),
    Code(
        "E0147",
        "a faulty setting of `fixpoint` or `scan`",
        "The settings of a fixed point and of a recurrence are a word and a value: `fixpoint Z tol 1e-6 max 100`, "
        "`scan H checkpoint 64`.",
        "fixpoint Z tol=1e-6",
        "fixpoint Z tol 1e-6",
    ),
    Code(
        "E0148",
        "a statement written like a function",
        "`plot`, `save`, `load`, `minimize` and their like are statements and take no bracket: `plot Loss`, "
        '`save Y to "y.npy"`. `load("y.npy")` inside an expression is a function.',
        "plot(Loss)",
        "plot Loss",
    ),
)

CODES: tuple[Code, ...] = (*_WRITING, *_MEANT)
