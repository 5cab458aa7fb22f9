"""What the pieces of a program are read as."""

from __future__ import annotations

import pytest
from reading import codes, good, one, right, same

from tensorlang.syntax import ast


def tree(node):
    """A tree in brackets, short enough to write down in a test."""
    return SHORT[type(node)](node)


def argument(node):
    if node.where is not None:
        return ("where", tree(node.value), tree(node.where))
    return tree(node.value) if node.name is None else ("named", node.name, tree(node.value))


SHORT = {
    ast.Number: lambda n: n.value,
    ast.String: lambda n: n.value,
    ast.Name: lambda n: n.name,
    ast.Size: lambda n: f"|{n.name}|",
    ast.Virtual: lambda n: f"*{n.name}",
    ast.Dotted: lambda n: f"{n.name}.",
    ast.Rest: lambda n: "...",
    ast.Group: lambda n: ("group", *n.names),
    ast.Slice: lambda n: ("slice", n.lower and tree(n.lower), n.upper and tree(n.upper)),
    ast.Subscript: lambda n: ("at", tree(n.target), *map(tree, n.items)),
    ast.Call: lambda n: ("call", tree(n.target), *map(tree, n.arguments)),
    ast.Argument: argument,
    ast.Attribute: lambda n: (".", tree(n.target), n.name),
    ast.Sum: lambda n: ("sum", *(("-" if term.sign < 0 else "+", tree(term.value)) for term in n.terms)),
    ast.Product: lambda n: ("product", *((factor.operator, tree(factor.value)) for factor in n.factors)),
    ast.Power: lambda n: ("^", tree(n.base), tree(n.exponent)),
    ast.Comparison: lambda n: ("compare", n.operators, *map(tree, n.values)),
    ast.Logic: lambda n: (n.operator, *map(tree, n.values)),
    ast.Not: lambda n: ("not", tree(n.value)),
    ast.IfElse: lambda n: ("if", tree(n.value), tree(n.condition), tree(n.otherwise)),
    ast.ListLiteral: lambda n: list(map(tree, n.items)),
    ast.Paren: lambda n: ("()", tree(n.value)),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", 2),
        ("2.", 2.0),
        (".5", 0.5),
        ("1e-3", 1e-3),
        ('"a\\"b\\\\ \\n\\t"', 'a"b\\ \n\t'),
        ("t''", "t''"),
        ("|d'|", "|d'|"),
        ("| d |", "|d|"),
        ("a b c", ("product", ("", "a"), ("", "b"), ("", "c"))),
        ("a * b / c % d", ("product", ("", "a"), ("*", "b"), ("/", "c"), ("%", "d"))),
        ("a (b)", ("product", ("", "a"), ("", ("()", "b")))),
        ("(a)(b)", ("product", ("", ("()", "a")), ("", ("()", "b")))),
        ("2(b)", ("product", ("", 2), ("", ("()", "b")))),
        ("f(a)(b)", ("call", ("call", "f", "a"), "b")),
        ("f(a)[b]", ("at", ("call", "f", "a"), "b")),
        ("A[i] (b)", ("product", ("", ("at", "A", "i")), ("", ("()", "b")))),
        ("Block[l](X)", ("call", ("at", "Block", "l"), "X")),
        ("A[i] -2", ("sum", ("+", ("at", "A", "i")), ("-", 2))),
        ("-a b", ("sum", ("-", ("product", ("", "a"), ("", "b"))))),
        ("a - -b", ("sum", ("+", "a"), ("+", "b"))),
        ("+a", "a"),
        ("a * -b c", ("product", ("", "a"), ("*", ("sum", ("-", "b"))), ("", "c"))),
        ("-x^2", ("sum", ("-", ("^", "x", 2)))),
        ("2^-x^2", ("^", 2, ("sum", ("-", ("^", "x", 2))))),
        ("a^b c", ("product", ("", ("^", "a", "b")), ("", "c"))),
        ("a <= b < c", ("compare", ("<=", "<"), "a", "b", "c")),
        ("a <-1", ("compare", ("<",), "a", ("sum", ("-", 1)))),
        ("not a and b or c", ("or", ("and", ("not", "a"), "b"), "c")),
        ("a if b else c if d else e", ("if", "a", "b", ("if", "c", "d", "e"))),
        ("sum[j](e where j < i)", ("call", ("at", "sum", "j"), ("where", "e", ("compare", ("<",), "j", "i")))),
        ("nn.Linear(X, o=3)[b]", ("at", ("call", (".", "nn", "Linear"), "X", ("named", "o", 3)), "b")),
        ("[1, [2, -3],]", [1, [2, ("sum", ("-", 3))]]),
        ("[]", []),
        ("X[(h d),*t+1]", ("at", "X", ("group", "h", "d"), ("sum", ("+", "*t"), ("+", 1)))),
        ("X[(h)]", ("at", "X", ("()", "h"))),
        ("X[f(a b),c]", ("at", "X", ("call", "f", ("product", ("", "a"), ("", "b"))), "c")),
        ("X[2*x+1]", ("at", "X", ("sum", ("+", ("product", ("", 2), ("*", "x"))), ("+", 1)))),
        ("X[..., :, 0:5, 2:, :-1]", ("at", "X", "...", ("slice", None, None), ("slice", 0, 5), ("slice", 2, None),
                                     ("slice", None, ("sum", ("-", 1))))),
    ],
)  # fmt: skip
def test_expressions(text, expected):
    assert tree(right(text)) == expected


def test_an_integer_stays_one():
    assert isinstance(right("2").value, int)
    assert isinstance(right("2.0").value, float)


def test_equation():
    equation = one("Y[b,t'.] max= f(X) where a < b, c and not d")
    assert equation.name == "Y"
    assert list(map(tree, equation.items)) == ["b", "t'."]
    assert (equation.operator, equation.relation) == ("max=", False)
    assert tree(equation.where) == ("and", ("compare", ("<",), "a", "b"), "c", ("not", "d"))
    assert equation.left.text == "Y[b,t'.]"
    assert one("Y = 1").items is None
    assert one("Even(x) = x == 0").relation
    assert one("Y[b] max = 2").operator == "max="
    assert one("max = 2").name == "max"


def test_rules():
    rule = one("A(x,1) <- B(x), not C(x) and x != 2, (a and b)")
    assert tree(rule.head) == ("call", "A", "x", 1)
    assert list(map(tree, rule.body)) == [
        ("call", "B", "x"),
        ("not", ("call", "C", "x")),
        ("compare", ("!=",), "x", 2),
        ("()", ("and", "a", "b")),
    ]
    assert same(one("A(x) ← B(x)"), one("A(x) <- B(x)"))
    fact = one("A(Alice)")
    assert isinstance(fact, ast.Rule)
    assert fact.body == ()
    assert len(good("A(x) B(y)").statements) == 2


def test_declarations():
    item = one("float64 param W[o,i] in v ~ glorot() = 3").items[0]
    assert (item.name, item.domain, tree(item.init), tree(item.value)) == ("W", "v", ("call", "glorot"), 3)
    assert (one("float64 param W").kind, one("param float64 W").element) == ("param", "float64")
    assert one("complex U[x]").kind == "tensor"
    assert one("tensor U[x]: complex").items[0].element == "complex"
    assert one("input X").items[0].axes is None
    assert list(map(tree, one("relation P(person, person)").items[0].axes)) == ["person", "person"]
    dims = one("dim d = 64, t").items
    assert [(item.name, item.size and tree(item.size)) for item in dims] == [("d", 64), ("t", None)]
    assert [each.name for each in good("const A = 1, B = 2").statements] == ["A", "B"]
    assert isinstance(one("update R[c] = 0.9 R[c]").equation, ast.Equation)


def test_modules():
    module = one("# doc\ndef F(X[..., i], o, n=3) -> Y[o], Z:\n    Y[o] = X[o]\n    Z = 1\n")
    assert [formal.name for formal in module.formals] == ["X", "o", "n"]
    assert [formal.axes is None for formal in module.formals] == [False, True, True]
    assert tree(module.formals[2].default) == 3
    assert [result.name for result in module.results] == ["Y", "Z"]
    assert (len(module.body), module.doc) == (2, "doc")
    assert one("def F(X) -> Y: A = X; Y = A").body == good("A = X\nY = A").statements
    assert one("def F() -> Y:\n    # inner\n    Y = 1").doc == "inner"
    assert one("def F() -> Y: # behind\n    Y = 1").doc is None


def test_imports():
    assert (one("import nn").module, one("import nn").path) == ("nn", False)
    assert one("import nn as layers").alias == "layers"
    assert (one('import "./mine.tl"').module, one('import "./mine.tl"').path) == ("./mine.tl", True)
    assert one("from a.b import C, D as E").names == (("C", "C"), ("D", "E"))
    assert one("from a.b import C").module == "a.b"
    assert [each.module for each in good("import a, b").statements] == ["a", "b"]


def test_actions():
    learn = one("minimize Loss with adam(lr=1e-3), epochs=20, batch=(n, 64) over W, B")
    assert (tree(learn.loss), learn.method, learn.over) == ("Loss", "adam", ("W", "B"))
    assert [(option.name, tree(option.value)) for option in learn.settings] == [("lr", 1e-3)]
    assert [(option.name, tree(option.value)) for option in learn.options] == [("epochs", 20), ("batch", ["n", 64])]
    assert one("minimize Loss over W with sgd").method == "sgd"
    assert one("minimize Loss").method is None
    fixed = one("fixpoint Z, U tol 1e-6 max 100")
    assert fixed.names == ("Z", "U")
    assert [(option.name, tree(option.value)) for option in fixed.options] == [("tol", 1e-6), ("max", 100)]
    scanned = one("scan H, C method parallel checkpoint 64")
    assert isinstance(scanned, ast.Scan)
    assert scanned.names == ("H", "C")
    assert [(option.name, tree(option.value)) for option in scanned.options] == [
        ("method", "parallel"),
        ("checkpoint", 64),
    ]
    assert (one("plot Loss").path, one('plot Y[0] to "y.png"').path) == (None, "y.png")
    assert (one('save Y, Z to "a.npz"').names, one('load params from "a"').names) == (("Y", "Z"), ("params",))
    assert (one("why A(x)?").why, one("A(x)?").why) == (True, False)
    assert tree(one("assert (a == b) and c").value)[0] == "and"
    assert one('test "x \\" y": assert a; b?').name == 'x " y'


def test_keywords_are_names_elsewhere():
    text = "data[over] = load[with] + test(in) + to from * plot\nmax = min\ninput input[input] in in"
    equation, plain, declared = good(text).statements
    assert (equation.name, plain.name, declared.items[0].name, declared.items[0].domain) == (
        "data",
        "max",
        "input",
        "in",
    )
    assert tree(right("f(max=3, in=2, over=data)"))[2] == ("named", "max", 3)


def test_a_tensor_may_be_named_like_a_declaration():
    for text, kind, element, name in [
        ("float input in", "input", "float", "in"),
        ("float input in[i]", "input", "float", "in"),
        ("float input in v", "tensor", "float", "input"),
        ("input bf16 x", "input", "bf16", "x"),
        ("input bf16[i]", "input", None, "bf16"),
        ("complex param", "tensor", "complex", "param"),
    ]:
        declaration = one(text)
        assert (declaration.kind, declaration.element, declaration.items[0].name) == (kind, element, name)


def test_names_are_normalised():
    assert one("\u212b = 1").name == "\u00c5"
    assert codes("x² = 1") == ["E0102"]


def test_lines_go_on():
    for text in ("Y = a\n  + b", "Y = a +\n  b", "Y = (a\n  + b)", "Y =\n a + b", "Y = a # c\n\n# c\n + b"):
        statement = one(text)
        assert tree(statement.value)[-1] in (("+", "b"), ("sum", ("+", "a"), ("+", "b")))
    assert len(good("Y = a\n-b\nZ = c").statements) == 2
    assert len(good("Y = a\nwhere a < b\nZ = c; W = d;").statements) == 3
    assert tree(one("Y = a\n  if b\n  else c").value) == ("if", "a", "b", "c")


def test_file_doc():
    assert good("# one\n#  two\n\n# three\nY = 1").doc == "one\n two"
    assert good("\n\n# one\nY = 1").doc == "one"
    assert good("Y = 1\n# one").doc is None


def test_indented_programs():
    assert len(good("\n    Y = 1\n    def F() -> Z:\n      Z = 1\n    X = 2\n").statements) == 3


def test_spans():
    equation = one("Y[b] = W[b,i] X[i] + 3  # c")
    assert equation.span.text == "Y[b] = W[b,i] X[i] + 3"
    assert equation.value.terms[0].value.span.text == "W[b,i] X[i]"
    assert equation.value.terms[1].span.text == "+ 3"
    module = one("def F() -> Y:\n    Y = 1\n")
    assert module.span.text == "def F() -> Y:\n    Y = 1"
