"""Random programs as text, with random spacing, line breaks and comments, for the tests of parser and formatter."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = [
    "X",
    "W",
    "i",
    "j'",
    "t''",
    "d_k",
    "α",
    "data",
    "over",
    "to",
    "max",
    "input",
    "_",
    "Alice",
    "nn",
    "in",
    "relu",
    "e",
]
NUMBERS = ["0", "2", "10000", "1.5", ".5", "2.", "1e-3", "3E+2"]
STRINGS = ['"a.csv"', '""', '"a \\" b"', '"# no comment"']
AGGREGATES = ["=", "max=", "min=", "avg=", "prod=", "or=", "and=", "logsumexp=", "+="]
ELEMENTS = ["float", "float64", "bf16", "int", "bool", "complex"]

names = st.sampled_from(NAMES)
# A space that may be nothing, and one that may be a line end where a bracket is open.
room = st.sampled_from(["", " ", "  ", "\t"])
inner = st.sampled_from(["", "", " ", "\n", " # c, (\n  "])


def joined(items: st.SearchStrategy[str], comma: st.SearchStrategy[str], least: int = 0) -> st.SearchStrategy[str]:
    @st.composite
    def build(draw):
        parts = draw(st.lists(items, min_size=least, max_size=3))
        return "".join(part if not at else draw(comma) + part for at, part in enumerate(parts))

    return build()


@st.composite
def around(draw, operator: str, spaces: st.SearchStrategy[str]) -> str:
    return draw(spaces) + operator + draw(spaces)


commas = around(",", inner)


def _grow(smaller: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions in brackets from smaller ones; what they contain may break lines."""

    @st.composite
    def sums(draw):
        count = draw(st.integers(1, 3))
        text = draw(st.sampled_from(["", "-", "- "])) + draw(smaller)
        for _ in range(count - 1):
            operator = draw(
                st.sampled_from(["+", "-", "*", " ", "^", "==", "<=", " and ", " or ", " if 1 else ", "^-", "*-"])
            )
            text += (operator if operator == " " else draw(room) + operator + draw(room)) + draw(smaller)
        return text

    index = st.one_of(
        names,
        sums(),
        st.just("..."),
        st.just("(h d)"),
        st.just("*t+1"),
        st.just("0:5"),
        st.just(":"),
        st.just("t' % 3"),
    )
    argument = st.one_of(sums(), st.tuples(names, sums()).map("=".join), st.tuples(sums(), sums()).map(" where ".join))

    @st.composite
    def applied(draw):
        text = draw(names)
        for _ in range(draw(st.integers(1, 2))):
            if draw(st.booleans()):
                text += "[" + draw(inner) + draw(joined(index, commas, 1)) + draw(inner) + "]"
            else:
                text += "(" + draw(inner) + draw(joined(argument, commas)) + draw(inner) + ")"
        return text

    @st.composite
    def bracketed(draw):
        return "(" + draw(inner) + draw(sums()) + draw(inner) + ")"

    @st.composite
    def listed(draw):
        return "(" + "[" + draw(inner) + draw(joined(sums(), commas)) + draw(inner) + "]" + ")"

    return st.one_of(applied(), bracketed(), listed())


atoms = st.one_of(names, st.sampled_from(NUMBERS), st.sampled_from(["|d|", "| d' |"]), st.sampled_from(STRINGS))
expressions = st.recursive(atoms, _grow, max_leaves=8)


@st.composite
def equation(draw) -> str:
    left = draw(st.sampled_from(["Y", "Y[i,t'.]", "Y[ i , *t+1 ]", "Y[(h d)]", "R(x,y)", "Y[0,Dst[e]]"]))
    text = left + " " + draw(st.sampled_from(AGGREGATES)) + draw(room) + draw(expressions)
    if draw(st.booleans()):
        text += draw(st.sampled_from([" + ", "\n  + ", " -\n", " "])) + draw(expressions)
    if draw(st.booleans()):
        text += (
            draw(st.sampled_from([" where ", "\n where "])) + draw(expressions) + draw(st.sampled_from(["", ", not b"]))
        )
    return text


@st.composite
def other(draw) -> str:
    e, name = draw(expressions), draw(names)
    kind = draw(st.sampled_from(["input", "param", "data", "relation", "buffer", "output", "tensor"]))
    element = draw(st.sampled_from(["", *(f"{each} " for each in ELEMENTS)]))
    return draw(
        st.sampled_from([
            f"dim {name} = {e}, n", f"const {name}={e}", f"{element}{kind} {name}[i, j] ~ {e}",
            f"{kind} {name} in v, B:int", f"{kind} Z(a,b) = {e}", f"update R[c] = {e}",
            f"R(x) <- {e}, not S(x),x!=y", "R(Alice, 2)", f"{e}?", f"why {e} ?",
            f"fixpoint Z,{name} tol 1e-6 max 100",
            f"scan Z,{name} method loop checkpoint 8", f"import {name} as b, c", 'from "./a.tl" import A as B,C',
            f"minimize {e} with adam(lr={e}),epochs=20, batch=(n,64) over W, {name}", f'plot {e} to "a.png"',
            f'save {name},B to "a"', 'load params from "a"', f"assert {e}",
        ])
    )  # fmt: skip


def _indented(lines: list[str]) -> str:
    return "".join("\n".join("    " + line for line in text.split("\n")) + "\n" for text in lines)


comment = st.sampled_from(["", "", "  # behind", "#close"])
between = st.sampled_from(["", "", "\n", "\n\n\n", "# above\n", "    # deep\n", "\n# a\n\n# b\n"])


@st.composite
def programs(draw) -> str:
    """A program of a few statements that must parse."""
    text = draw(between)
    for _ in range(draw(st.integers(1, 4))):
        shape = draw(st.integers(0, 5))
        one = draw(st.one_of(equation(), other()))
        if shape == 0:
            body = _indented(draw(st.lists(equation(), min_size=1, max_size=2)))
            head = draw(st.sampled_from(["def F(X[..., i], o=3) -> Y[..., o] :", 'test "a \\" b":']))
            text += head + draw(comment) + "\n" + draw(between) + body
        elif shape == 1:
            text += 'test "t":' + one + ";" + draw(st.sampled_from(["", " Z?"])) + draw(comment) + "\n"
        elif shape == 2:
            text += one + ";  Q = 1 ;" + draw(comment) + "\n"
        else:
            text += one + draw(comment) + "\n"
        text += draw(between)
    return text
