"""Loops in parts: values, gradients and scripts are those of plain loops, and the gradient takes less memory."""

from __future__ import annotations

import pytest
import test_recurrence
import test_single_positions
import torch

import tensorlang as tl
from benchmarks.allocation import peak
from tensorlang.backends.torch_module import build
from tensorlang.driver import check
from tensorlang.ir.plan import LoopPlan
from tensorlang.options import Options
from tensorlang.passes.in_parts import in_parts
from tensorlang.source import Source
from tensorlang.stages import planned

PROGRAMS = {
    **test_recurrence.PROGRAMS,
    **{f"{name} (one position)": entry[:2] for name, entry in test_single_positions.PROGRAMS.items()},
    **test_recurrence.SHORT,
}


def plans(text, every):
    """The plan of a program's outputs, plain and in parts."""
    program = check(Source("test.tl", text), Options()).correct()
    plain = planned(program, program.outputs)
    loops = [loop.function for loop in plain.loops if isinstance(loop, LoopPlan)]
    return plain, in_parts(plain, dict.fromkeys(loops, every))


def given(text, shapes):
    return {key: torch.tensor(value) for key, value in test_recurrence.given(shapes).items()}


def called(generated, values, known):
    arguments = [values[a.tensor] if a.kind != "size" else known[a.tensor] for a in generated.plan.arguments]
    found = generated.compute(*arguments)
    return found if isinstance(found, tuple) else (found,)


def sizes(text, values):
    """The sizes that inputs tell, by name: for arguments that no tensor of a plan tells."""
    program = check(Source("test.tl", text), Options()).correct()
    pairs = [pair for name, v in values.items() for pair in zip(program.tensors[name].shape, v.shape, strict=True)]
    return {size.symbol.name: number for size, number in pairs if size.symbol is not None}


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients_are_those_of_the_loop(name, every):
    text, shapes = PROGRAMS[name]
    values = given(text, shapes)
    results = []
    for plan in plans(text, every):
        inputs = {key: v.clone().requires_grad_(v.is_floating_point()) for key, v in values.items()}
        found = called(build(plan, dtype="float64"), inputs, sizes(text, values))
        floats = [value for value in found if value.is_floating_point() and value.requires_grad]
        loss = sum((value * value).sum() for value in floats)
        asked = [value for value in inputs.values() if value.requires_grad]
        grads = torch.autograd.grad(loss, asked, allow_unused=True, materialize_grads=True) if floats else ()
        results.append((found, grads))
    for one, other in zip(results[0][0], results[1][0], strict=True):
        assert torch.equal(one, other)
    for one, other in zip(results[0][1], results[1][1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", PROGRAMS)
def test_parts_script(name):
    text, shapes = PROGRAMS[name]
    values = given(text, shapes)
    plain, cut = (build(plan, dtype="float64") for plan in plans(text, 2))
    known = sizes(text, values)
    wanted = called(plain, values, known)
    scripted = torch.jit.script(cut.compute)
    arguments = [values[a.tensor] if a.kind != "size" else known[a.tensor] for a in cut.plan.arguments]
    for _ in range(3):
        found = scripted(*arguments)
        for value, other in zip(wanted, found if isinstance(found, tuple) else (found,), strict=True):
            torch.testing.assert_close(value, other)


RNN = "input X[b,t,i], W[i,i']\n{}output Y\nH[b,t,i] = tanh(W[i,i'] H[b,t-1,i'] + X[b,t,i])\nY = H[b,-1,i]^2\n"


def test_a_declaration_sets_them():
    inputs = {"X": torch.randn(2, 9, 3, dtype=torch.float64), "W": torch.randn(3, 3, dtype=torch.float64) / 2}
    plain, cut = (tl.compile(RNN.format(each), dtype="float64") for each in ("", "scan H checkpoint 4\n"))
    assert "loop_cuts(steps - begin, 4)" in cut.source
    assert "checkpoint" not in plain.source
    assert torch.autograd.gradcheck(
        lambda x, w: cut(X=x, W=w)["Y"], [value.clone().requires_grad_() for value in inputs.values()]
    )
    assert torch.equal(plain(**inputs)["Y"], cut(**inputs)["Y"])


def test_second_derivatives_go_through():
    cut = tl.compile(RNN.format("scan H checkpoint 2\n"), dtype="float64")
    x = torch.randn(1, 5, 2, dtype=torch.float64, requires_grad=True)
    w = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x, w: cut(X=x, W=w)["Y"], [x, w])


def test_what_is_drawn_is_drawn_again():
    text = "input X[t,i]\n{}param W ~ ones()\noutput Y\n"
    text += "H[t,i] = tanh(W H[t-1,i] + X[t,i] normal(X[t,i]) + normal(H[t-1,i]) H[t-1,i])\nY = H[-1,i]\n"
    x = torch.randn(7, 3, dtype=torch.float64)
    found = []
    for declared in ("", "scan H checkpoint 3\n"):
        program = tl.compile(text.format(declared), dtype="float64", seed=3)
        loss = program(X=x)["Y"]
        loss.backward()
        found.append((loss.item(), program.W.grad.item()))
    assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_the_gradient_takes_memory_as_the_square_root_of_the_length():
    found = {}
    for length in (100, 400):
        for every in (0, round(length**0.5)):
            program = tl.compile(RNN.format(f"scan H checkpoint {every}\n" if every else ""))
            inputs = {"X": torch.randn(1, length, 1).expand(16, length, 64), "W": torch.eye(64, requires_grad=True)}
            program(**inputs)["Y"].backward()
            found[length, bool(every)] = peak(lambda p=program, i=inputs: p(**i)["Y"].backward())
    assert found[100, False] > 100 * 16 * 64 * 4  # every state
    assert found[400, False] > 3.5 * found[100, False]
    assert found[400, True] < 2.6 * found[100, True]
    assert found[400, True] < found[400, False] / 5


def test_training_with_parts_takes_the_same_steps():
    text = "X = [[1, 0, 2, 1, 3], [0, 1, 1, 2, 1]]\nparam W ~ const(0.3)\nparam V ~ const(0.1)\n{}"
    text += (
        "H[b,t] = tanh(W H[b,t-1] + V X[b,t])\nLoss = (H[b,-1] - 0.5)^2\nminimize Loss with adam(lr=0.1), steps=20\n"
    )
    found = []
    for declared in ("", "scan H checkpoint 2\n"):
        session = tl.Session()
        session.run(text.format(declared))
        found.append(session["Loss"].item())
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_functional_transforms_go_through_without_checkpoints():
    cut = tl.compile(RNN.format("scan H checkpoint 2\n"), dtype="float64")
    x, w = torch.randn(2, 5, 3, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)
    found = torch.func.grad(lambda w: cut(X=x, W=w)["Y"])(w)
    w.requires_grad_()
    (wanted,) = torch.autograd.grad(cut(X=x, W=w)["Y"], w)
    torch.testing.assert_close(found, wanted)
