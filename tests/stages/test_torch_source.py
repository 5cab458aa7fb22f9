"""Generated modules as a reader sees them, against golden texts; they run with torch alone; names do no harm."""

from __future__ import annotations

import linecache
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tensorlang import sema
from tensorlang.backends.kernel_texts import kernel_texts
from tensorlang.backends.torch_model import attributes
from tensorlang.backends.torch_module import Generated, build
from tensorlang.backends.torch_source import generate
from tensorlang.diagnostics import Problems, render
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.plan import show_plan
from tensorlang.ir.program import Program
from tensorlang.passes.naming import KERNELS, identifier
from tensorlang.passes.schedule import schedule
from tensorlang.sema.setting import Setting
from tensorlang.source import Source, Span
from tensorlang.syntax.parse import parse
from tests.building import add, apply, define, index, piece, program, read, summed, tensor, times
from tests.counting import steps

PROGRAMS = {
    "mlp": """
input X[b,j]
dim h = 32
dim o = 10
param W[h,j], B[h], V[o,h]
H[b,h] = relu(W[h,j] X[b,j] + B[h])
Y[b,o.] = softmax(V[o,h] H[b,h])
""",
    "attention": """
input X[b,t,m]
param WQ[h,d,m], WK[h,d,m], WV[h,d,m]
dim d = 64
dim h = 8
Q[b,h,t,d] = WQ[h,d,m] X[b,t,m]
K[b,h,t,d] = WK[h,d,m] X[b,t,m]
V[b,h,t,d] = WV[h,d,m] X[b,t,m]
A[b,h,t,t'.] = softmax(Q[b,h,t,d] K[b,h,t',d] / sqrt(|d|))   where t' <= t
Y[b,t,h,d] = A[b,h,t,t'] V[b,h,t',d]
""",
    "convolution": """
input X[b,c,x,y]
dim x
dim y
dim o = 8
param F[o,c,dx,dy], B[o]
dim dx = 3
dim dy = 3
C[b,o,x,y] = relu(F[o,c,dx,dy] X[b,c,x+dx-1,y+dy-1] + B[o])
P[b,o,x/2,y/2] max= C[b,o,x,y]
""",
    "positions": """
input Tok[b,t] in v
dim v = 100
dim d = 16
param E[v,d]
dim t
P[t,d] = sin(t / 10000^(d/|d|))
Y[b,t,d] = E[Tok[b,t],d] + P[t,d]
Last[b,d] = Y[b,-1,d]
""",
    "graph": """
relation Edge(n,n')
input H[n,d]
param a[d], c[d]
S[n,n'] = leaky_relu(a[d] H[n,d] + c[d] H[n',d])   where Edge(n,n')
P[n,n'.] = softmax(S[n,n'])
Z[n,d] = P[n,n'] H[n',d]
Degree[n] = sum[n'](Edge(n,n'))
""",
}


def analysed(name: str, text: str) -> Program:
    problems = Problems()
    made = sema.analyse(parse(Source(name, text.lstrip()), problems), Setting(), problems)
    assert made is not None, render(problems.found)
    return made


@pytest.mark.parametrize("name", PROGRAMS)
def test_generated_modules_read_well(name: str, golden: Callable[[str, str], None]) -> None:
    plan = schedule(analysed(f"{name}.tl", PROGRAMS[name]))
    golden(f"{name}.py.txt", generate(plan))
    golden(f"{name}.plan.txt", show_plan(plan) + "\n")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_model_scripts_and_holds_its_parameters(name: str) -> None:
    made = build(schedule(analysed(f"{name}.tl", PROGRAMS[name])))
    sizes = {"b": 2, "j": 5, "t": 7, "m": 6, "c": 2, "x": 6, "y": 8, "n": 5, "v": 100, "d": 4}
    model = made.model(values(made, sizes))
    given = [v for a, v in zip(made.plan.arguments, drawn(made, sizes), strict=True) if a.kind == "input"]
    eager, scripted = model(*given), torch.jit.script(model)(*given)
    torch.testing.assert_close(eager, scripted)
    assert {n for n, _ in model.named_parameters()} == {a.name for a in made.plan.arguments if a.kind == "param"}


def drawn(made: Generated, sizes: dict[str, int]) -> list[torch.Tensor]:
    torch.manual_seed(0)
    found = []
    for argument in made.plan.arguments:
        shape = [size.value({s: sizes[made_name(s, made)] for s in size.symbols}) for size in argument.shape]
        if argument.dtype == "int":
            found.append(torch.randint(0, 4, shape))
        else:
            found.append(torch.randn(shape) if argument.dtype == "float" else torch.rand(shape) < 0.5)
    return found


def made_name(symbol: Symbol, made: Generated) -> str:
    """The letter of an axis whose size is unknown."""
    tensor_name, _, axis = symbol.name.rpartition(".")
    return {"X.0": "b", "X.1": "c" if made.plan.source.startswith("conv") else "j", "X.2": "m", "Tok.0": "b",
            "Edge.0": "n", "H.0": "n", "H.1": "d"}.get(f"{tensor_name}.{axis}", symbol.name[:1])  # fmt: skip


def values(made: Generated, sizes: dict[str, int]) -> dict[str, torch.Tensor]:
    return dict(zip((a.tensor for a in made.plan.arguments), drawn(made, sizes), strict=True))


def test_the_text_needs_only_torch(tmp_path: Path) -> None:
    plan = schedule(analysed("graph.tl", PROGRAMS["graph"]))
    path = tmp_path / "written.py"
    path.write_text(generate(plan), encoding="utf-8")
    script = "import sys, written; assert not [m for m in sys.modules if m.startswith('tensorlang')]"
    ran = subprocess.run([sys.executable, "-S", "-c", f"import site; site.main(); {script}"], cwd=tmp_path, check=False)
    assert ran.returncode == 0


def test_tracebacks_point_into_the_text() -> None:
    made = build(schedule(analysed("mlp.tl", PROGRAMS["mlp"])))
    place = made.compute.__code__.co_filename
    assert "mlp.tl" in place
    assert linecache.getline(place, made.compute.__code__.co_firstlineno).startswith("def compute(")


# --- names and words ---------------------------------------------------------------------------------------------


def test_names_become_identifiers() -> None:
    assert identifier("x'") == "x_1"
    assert identifier("x''") == "x_2"
    assert identifier("H.W") == "H_W"
    assert identifier("α") == "alpha"
    assert identifier("Γ") == "Gamma"
    assert identifier("lambda") == "lambda_"
    assert identifier("torch") == "torch_"
    assert identifier("F") == "F_"
    assert identifier("__class__").isidentifier()
    assert not identifier("__class__").startswith("__")
    assert identifier("重").isidentifier()
    assert identifier("重").isascii()


NAMES = [
    "F",
    "torch",
    "compute",
    "forward",
    "training",
    "class",
    "H.W",
    "H_W",
    "x'",
    "x_1",
    "α",
    "alpha",
    "scatter_sum",
    "n",
]


def test_names_that_clash_stay_apart() -> None:
    """Tensors named like keywords, torch's own names, each other after spelling out, and a size."""
    n = Size.of(Symbol("n"))
    i = index("i", n)
    given = [tensor(name, n, kind="param" if at % 2 else "input") for at, name in enumerate(NAMES)]
    value = add(*(times(float(at + 1), read(each, i)) for at, each in enumerate(given)), times(i, 0.0))
    made = build(schedule(define("Y", (i,), value, *given)))
    tensors = {name: torch.full((3,), float(at)) for at, name in enumerate(NAMES)}
    expected = torch.full((3,), float(sum((at + 1) * at for at in range(len(NAMES)))))
    arguments = [tensors[argument.tensor] for argument in made.plan.arguments]
    torch.testing.assert_close(made.compute(*arguments), expected)
    inputs = [tensors[a.tensor] for a in made.plan.arguments if a.kind == "input"]
    model = torch.jit.script(made.model(tensors))
    torch.testing.assert_close(model(*inputs), expected)
    assert len(set(attributes(made.plan).values())) == len(NAMES) // 2


@pytest.mark.parametrize(
    "words", ['"""\nimport os', "\\", "\x0c\x1d\u2028raise SystemExit", "# -*- coding: x -*-", "\x00", "\ud800"]
)
def test_words_of_the_program_stay_comments(words: str) -> None:
    n = Size.of(Symbol("n"))
    i = index("i", n)
    X = tensor("X", n)
    source = Source(f"{words}.tl", words)
    whole = define("Y", (i,), times(2.0, read(X, i)), X)
    (definition,) = whole.definitions
    from dataclasses import replace

    marked = replace(definition, pieces=(replace(definition.pieces[0], span=Span(source, 0, len(words))),))
    made = build(schedule(replace(whole, definitions=(marked,))))
    torch.testing.assert_close(made.compute(torch.ones(3)), torch.full((3,), 2.0))
    torch.jit.script(made.compute)


def test_kernels_are_named_once() -> None:
    """The names that generated code calls are those of the functions there are."""
    assert kernel_texts().keys() >= KERNELS
    assert not {identifier(name) for name in KERNELS} & {"X", "Y"}


# --- sizes -------------------------------------------------------------------------------------------------------


def test_sizes_come_from_the_axes_that_tell_them() -> None:
    n, m = Size.of(Symbol("n")), Size.of(Symbol("m"))
    i, j = index("i", n), index("j", m)
    X, Z = tensor("X", 2 * n + 1), tensor("Z", n + m)
    value = add(times(1.0, i), times(1.0, j))
    text = generate(schedule(define("Y", (i, j), value, X, Z)))
    assert "n = (X.size(0) - 1) // 2" in text
    assert "m = Z.size(0) - n" in text


def test_sizes_that_nothing_tells_are_arguments_or_numbers() -> None:
    from dataclasses import replace

    n = Size.of(Symbol("n"))
    i = index("i", n)
    whole = define("Y", (i,), times(0.5, i))
    made = build(schedule(whole))
    assert [a.kind for a in made.plan.arguments] == ["size"]
    assert made.compute(3).tolist() == [0.0, 0.5, 1.0]
    known = build(schedule(replace(whole, sizes={Symbol("n"): 2})))
    assert known.compute().tolist() == [0.0, 0.5]


# --- what a plan shares and leaves out ---------------------------------------------------------------------------


def test_common_parts_are_computed_once() -> None:
    n = Size.of(Symbol("n"))
    i = index("i", n)
    X = tensor("X", n)
    costly = apply("exp", apply("sin", read(X, i)))
    P, Q = tensor("P", n, kind="defined"), tensor("Q", n, kind="defined")
    text = generate(schedule(program(
        X, (P, "sum", (piece((i,), times(costly, costly)),)), (Q, "sum", (piece((i,), add(costly, 1.0)),)),
        outputs=("P", "Q"),
    )))  # fmt: skip
    assert text.count("torch.sin") == 1


def test_random_draws_are_not_shared() -> None:
    n = Size.of(Symbol("n"))
    i = index("i", n)
    X = tensor("X", n)
    draw = apply("rand", read(X, i))
    P, Q = tensor("P", n, kind="defined"), tensor("Q", n, kind="defined")
    made = build(schedule(program(
        X, (P, "sum", (piece((i,), draw),)), (Q, "sum", (piece((i,), draw),)), outputs=("P", "Q"),
    )))  # fmt: skip
    first, second = made.compute(torch.zeros(50))
    assert not torch.equal(first, second)


def test_what_no_output_needs_is_left_out() -> None:
    n = Size.of(Symbol("n"))
    i = index("i", n)
    X = tensor("X", n)
    P, Q = tensor("P", n, kind="defined"), tensor("Q", n, kind="defined")
    text = generate(schedule(program(
        X, (P, "sum", (piece((i,), apply("exp", read(X, i))),)), (Q, "sum", (piece((i,), read(X, i)),)), outputs=("Q",),
    )))  # fmt: skip
    assert "exp" not in text


def test_deep_and_wide_expressions() -> None:
    n = Size.of(Symbol("n"))
    i = index("i", n)
    X = tensor("X", n)
    deep = read(X, i)
    for _ in range(1500):
        deep = apply("sin", add(deep, 0.5))
    wide = add(*(times(float(k % 7), read(X, i)) for k in range(1000)))
    made = build(schedule(define("Y", (i,), add(deep, wide), X)))
    assert torch.isfinite(made.compute(torch.ones(2))).all()
    torch.jit.script(made.compute)


def test_many_small_equations_take_work_in_proportion() -> None:
    """Eight times as many equations take some eight times as many calls, which are counted and not timed."""
    n = Size.of(Symbol("n"))
    i = index("i", n)
    X = tensor("X", n)

    def calls(count: int) -> int:
        made = [tensor(f"T{k}", n, kind="defined") for k in range(count)]
        parts = [
            (t, "sum", (piece((i,), apply("tanh", add(read(made[k - 1] if k else X, i), float(k)))),))
            for k, t in enumerate(made)
        ]
        whole = program(X, *parts, outputs=(f"T{count - 1}",))
        return steps(lambda: generate(schedule(whole)))

    calls(50)
    assert calls(800) < 10 * calls(100)


def test_matrix_products_are_counted() -> None:
    n = Size.of(Symbol("n"))
    i, j = index("i", n), index("j", 4)
    X, W = tensor("X", n, 4), tensor("W", 4)
    plan = schedule(define("Y", (i,), summed(j, of=(read(X, i, j), read(W, j))), X, W))
    assert plan.steps[0].work == ((n, Size.of(4)),)
