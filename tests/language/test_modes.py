"""Training and evaluation: `training` in equations, updates of buffers, and who is in which mode."""

from __future__ import annotations

import copy
import pickle
import runpy

import numpy as np
import pytest
import torch

import tensorlang as tl
from tensorlang.backends.reference import evaluate
from tensorlang.diagnostics import CompileError
from tensorlang.ir.domain import Symbol
from tensorlang.options import Options

CENTRED = """
def Centred(X[b,i]) -> Y[b,i]:
    buffer R[i] ~ zeros()
    M[i] = mean[b](X[b,i])
    update R[i] = 0.5 R[i] + 0.5 M[i]
    Y[b,i] = X[b,i] - M[i] if training else X[b,i] - R[i]
"""
APPLIED = CENTRED + "input X[b,i]\nY = Centred(X)\n"


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# --- what a mode means -------------------------------------------------------------------------------------------


def test_a_module_begins_in_training_mode_and_follows_it():
    program, x = tl.compile(APPLIED), draw(4, 3)
    assert program.training
    torch.testing.assert_close(program(X=x)["Y"], x - x.mean(0))
    torch.testing.assert_close(program.get_buffer("Y.R"), 0.5 * x.mean(0))
    program.eval()
    torch.testing.assert_close(program(X=x)["Y"], x - 0.5 * x.mean(0))
    torch.testing.assert_close(program.get_buffer("Y.R"), 0.5 * x.mean(0))
    program.train()
    program(X=2 * x)
    torch.testing.assert_close(program.get_buffer("Y.R"), 1.25 * x.mean(0))


def test_a_module_inside_another_follows_the_other():
    class Outer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = tl.compile(APPLIED)

        def forward(self, x):
            return self.inner(X=x)["Y"]

    outer, x = Outer(), draw(4, 3)
    torch.testing.assert_close(outer(x), x - x.mean(0))
    torch.testing.assert_close(outer.eval()(x), x - 0.5 * x.mean(0))


def test_asking_for_a_tensor_changes_no_buffer():
    program, x = tl.compile(APPLIED), draw(4, 3)
    torch.testing.assert_close(program.evaluate("Y", X=x)["Y"], x - x.mean(0))
    assert not program.get_buffer("Y.R").any()


def test_functions_runs_and_sessions_evaluate():
    x = draw(4, 3)
    torch.testing.assert_close(tl.function(APPLIED)(x), x)
    torch.testing.assert_close(tl.run(APPLIED + "Y?\n", X=x)["Y"], x)
    session = tl.Session()
    session.run(APPLIED)
    session.set("X", x)
    torch.testing.assert_close(session["Y"], x)
    assert tl.run("A = 1 if training else 2\nA?")["A"].item() == 2


@pytest.mark.parametrize("training", [True, False])
def test_the_reference_and_torch_agree(training):
    text = APPLIED + "H[t] = (0.5 if training else 2) H[t-1] + S[t]\ninput S[t]\nZ[i] = Y[b,i] where not training\n"
    text += "K = 3 if not training and 1 > 0 or training and 2 < 1 else 4\noutput Y, H, Z, K\n"
    program = tl.compile(text, dtype="float64").train(training)
    x, s = draw(4, 3).double(), draw(5).double()
    r = draw(3, seed=1).double()
    program.bind(X=x, S=s)
    program.write({"Y.R": r})
    found = program(X=x, S=s)
    values = {"X": x.numpy(), "S": s.numpy(), "Y.R": r.numpy(), "training": training}
    wanted = evaluate(program.program, values, {Symbol("X.0"): 4, Symbol("X.1"): 3, Symbol("S.0"): 5, **sizes(program)})
    for name, value in found.items():
        np.testing.assert_allclose(value.detach().numpy(), wanted[name], rtol=1e-12, atol=1e-12)
    if training:
        np.testing.assert_allclose(program.get_buffer("Y.R").numpy(), wanted["Y.R.next"], rtol=1e-12)


def sizes(program):
    """Numbers for the symbols of the program's axes, by the labels of those axes."""
    known = {"b": 4, "i": 3, "t": 5}
    axes = [axis for tensor in program.program.tensors.values() for axis in tensor.axes]
    return {axis.size.symbol: known[axis.label] for axis in axes if axis.size.symbol is not None}


def test_what_the_mode_does_not_need_is_not_computed():
    program = tl.compile("input X[i]\nY[i] = X[i] (rand(X[i]) >= 0.5) if training else X[i]")
    assert "torch.rand" in program.source
    program.eval()
    assert "torch.rand" not in program.source
    assert "torch.where" not in program.source


def test_a_choice_that_is_none_has_no_modes():
    program = tl.compile("input X[i]\nY[i] = 2 X[i] if training and 0 > 0 else X[i]")
    assert not program.state.compiled.has_modes
    assert program(X=torch.ones(2))["Y"].tolist() == [1, 1]


def test_a_tensor_of_that_name_wins():
    text = "import nn\ninput training[i], X[b,i]\nY = nn.Dropout(X, p=1)\nZ[i] = 2 training[i]\noutput Y, Z"
    x = draw(4, 3)
    for mode in (True, False):
        found = tl.compile(text).train(mode)(X=x, training=torch.arange(3.0))
        torch.testing.assert_close(found["Z"], torch.tensor([0.0, 2, 4]))
        torch.testing.assert_close(found["Y"], torch.zeros(4, 3) if mode else x)


# --- updates -----------------------------------------------------------------------------------------------------

TWICE = CENTRED + "net = Centred()\ninput A[b,i], C[b,i]\nY = net(A)\nZ = net(C)\n"


def test_two_applications_of_one_module_update_one_after_the_other():
    program, a, c = tl.compile(TWICE + "output Y, Z"), draw(4, 3), draw(4, 3, seed=1)
    program(A=a, C=c)
    torch.testing.assert_close(program.get_buffer("net.R"), 0.25 * a.mean(0) + 0.5 * c.mean(0))


def test_an_application_that_is_not_computed_updates_nothing():
    program, c = tl.compile(TWICE + "output Z"), draw(4, 3, seed=1)
    program(C=c)
    torch.testing.assert_close(program.get_buffer("net.R"), 0.5 * c.mean(0))


def test_layers_update_buffers_of_their_own():
    text = CENTRED + "input X[b,i]\ndim l = 3\nS[0] = X\nS[l+1] = Centred[l](S[l])\nY[b,i] = S[-1,b,i]\noutput Y"
    program, x = tl.compile(text), draw(4, 3) + 1
    program(X=x)
    wanted = torch.zeros(3, 3)
    wanted[0] = 0.5 * x.mean(0)  # behind the first layer the mean is 0
    torch.testing.assert_close(program.get_buffer("S.R"), wanted)


def test_a_buffer_that_layers_share_has_no_single_next_value():
    text = CENTRED + "input X[b,i]\ndim l = 3\nS[0] = X\nS[l+1] = Centred(S[l])\n"
    with pytest.raises(CompileError) as caught:
        tl.compile(text)
    assert [problem.code for problem in caught.value.diagnostics] == ["E0233"]


def test_the_gradient_reads_a_buffer_as_it_was():
    text = "buffer R[i] ~ ones()\ninput X[i]\nupdate R[i] = R[i] + X[i]\nY[i] = R[i] X[i]\noutput Y"
    program, x = tl.compile(text), torch.tensor([2.0, 3.0], requires_grad=True)
    program(X=x)["Y"].sum().backward()
    assert x.grad.tolist() == [1, 1]
    assert program.get_buffer("R").tolist() == [3, 4]


LEARNED = """
data D[n,i] = load("d.npy")
data T[n] = load("t.npy")
def Scaled(X[n,i]) -> Y[n,i]:
    buffer R[i] ~ zeros()
    M[i] = mean[n](X[n,i])
    update R[i] = 0.9 R[i] + 0.1 M[i]
    Y[n,i] = X[n,i] - M[i] if training else X[n,i] - R[i]
dim h = 5
param W[h,i], V[h]
buffer Steps ~ zeros()
update Steps = Steps + 1
H[n,h] = W[h,i] D[n,i]
C = Scaled(H)
K[n,h] = tanh(C[n,h]) (rand(C[n,h]) >= 0.2) / 0.8 if training else tanh(C[n,h])
Loss = mean[n]((V[h] K[n,h] - T[n])^2)
"""


@pytest.fixture
def folder(tmp_path):
    np.save(tmp_path / "d.npy", draw(24, 3).numpy())
    np.save(tmp_path / "t.npy", draw(24, seed=1).numpy())
    return tmp_path


def ran(folder, schedule, **options):
    text = LEARNED + f"minimize Loss with sgd(lr=0.1), {schedule}\nW?\nC.R[i]?\nSteps?\nLoss?\n"
    path = folder / "program.tl"
    path.write_text(text)
    return tl.run(path, Options(quiet=True, **options))


def test_a_step_of_minimize_is_that_of_a_loop_in_torch(folder):
    """One pass computes loss and updates: the buffers follow what the step read, as those of torch do."""
    learned = ran(folder, "steps=4")
    program = tl.compile(LEARNED + "output Loss", folder=folder)
    optimiser = torch.optim.SGD(program.parameters(), lr=0.1)
    for _ in range(4):
        optimiser.zero_grad()
        program()["Loss"].backward()
        optimiser.step()
    assert learned["Steps"].item() == program.get_buffer("Steps").item() == 4
    torch.testing.assert_close(learned["W"], program.get_parameter("W"), rtol=0, atol=1e-6)
    torch.testing.assert_close(learned["C.R[i]"], program.get_buffer("C.R"), rtol=0, atol=1e-6)
    assert learned["C.R[i]"].any()
    torch.testing.assert_close(learned["Loss"], program.eval()()["Loss"])


def test_draws_are_fresh_in_each_step_and_the_same_for_a_seed(folder):
    one, two, other = ran(folder, "steps=5"), ran(folder, "steps=5"), ran(folder, "steps=5", seed=1)
    assert torch.equal(one["W"], two["W"])
    assert not torch.equal(one["W"], other["W"])
    program = tl.compile("input X[i]\nK[i] = 1 if training and rand(X[i]) >= 0.5 else 0\noutput K")
    again = tl.compile("input X[i]\nK[i] = 1 if training and rand(X[i]) >= 0.5 else 0\noutput K")
    x = torch.zeros(50)
    first, second = program(X=x)["K"], program(X=x)["K"]
    assert not torch.equal(first, second)
    assert torch.equal(again(X=x)["K"], first)
    assert torch.equal(again(X=x)["K"], second)


@pytest.mark.parametrize("batch", ["", ", batch=(n, 7)"])
def test_a_checkpoint_goes_on_bit_by_bit(folder, batch):
    whole = ran(folder, f"epochs=6{batch}")
    ran(folder, f"epochs=6{batch}", epochs=3, checkpoint=str(folder / "half.safetensors"))
    resumed = ran(folder, f"epochs=6{batch}", resume=str(folder / "half.safetensors"))
    for name in ("W", "C.R[i]", "Steps", "Loss"):
        assert torch.equal(whole[name], resumed[name]), name


def test_a_buffer_with_an_axis_of_rows_is_written_where_the_batch_is(folder):
    text = """
dim n = 24, i = 3
data D[n,i] = load("d.npy")
param W[i]
buffer Seen[n] ~ zeros(), Pair[n,i] ~ zeros()
update Seen[n] = Seen[n] + 1
update Pair[n,i] = Pair[n,i] + 1
Loss = mean[n]((W[i] D[n,i] - Seen[n])^2)
minimize Loss with sgd(lr=0.1), epochs=2, batch=(n, 8)
Seen?
"""
    (folder / "rows.tl").write_text(text)
    assert tl.run(folder / "rows.tl", Options(quiet=True))["Seen"].tolist() == [2] * 24


# --- copies and exports ------------------------------------------------------------------------------------------


def test_copies_keep_the_mode_and_their_own_buffers():
    program, x = tl.compile(APPLIED), draw(4, 3)
    program(X=x)
    for other in (copy.deepcopy(program), pickle.loads(pickle.dumps(program))):
        assert other.training
        other(X=x)
        torch.testing.assert_close(other.get_buffer("Y.R"), 0.75 * x.mean(0))
    torch.testing.assert_close(program.get_buffer("Y.R"), 0.5 * x.mean(0))


LAYERED = """
import nn
input X[b,i], S[b,t,i]
dim i = 3, l = 2
def Block(X[b,i]) -> Y[b,i]:
    N = nn.BatchNorm(X)
    D = nn.Dropout(N, p=0.25)
    Y = nn.Linear(D, o=|i|)
Z[0] = X
Z[l+1] = Block[l](Z[l])
H[b,t,i] = tanh(H[b,t-1,i] + S[b,t,i]) (2 if training else 1)
Y[b,i] = Z[-1,b,i] + H[b,-1,i]
output Y
"""


def loaded(path):
    return torch.jit.load(path) if path.suffix == ".pt" else runpy.run_path(str(path))["load"]()


@pytest.mark.parametrize("ending", ["pt", "py"])
def test_an_export_follows_the_mode(tmp_path, ending):
    program = tl.compile(LAYERED, seed=3)
    x, s = draw(6, 3), draw(6, 4, 3)
    program(X=x, S=s)
    path = tmp_path / f"model.{ending}"
    kept = {name: value.clone() for name, value in program.named_buffers()}
    program.export(path, check=True)
    assert all(torch.equal(value, kept[name]) for name, value in program.named_buffers())
    model = loaded(path)
    assert not model.training
    torch.testing.assert_close(model(x, s), program.eval()(X=x, S=s)["Y"])
    program.train()
    model.train()
    for step in range(3):
        torch.manual_seed(step)
        theirs = model(x, s)
        program.state.generator = torch.Generator().manual_seed(step)
        torch.testing.assert_close(theirs, program(X=x, S=s)["Y"])
    own, other = dict(program.named_buffers()), dict(model.named_buffers())
    assert other
    for name, value in own.items():
        torch.testing.assert_close(other[name.replace(".", "_")], value)
    torch.testing.assert_close(model.eval()(x, s), program.eval()(X=x, S=s)["Y"])
    model.train()(x, s).sum().backward()
    assert any(parameter.grad is not None for parameter in model.parameters())


def test_an_export_without_modes_has_one_function(tmp_path):
    tl.compile("import nn\ninput X[b,i]\ndim i = 3\nY = nn.Dropout(X, p=0)").export(tmp_path / "one.py")
    assert "training" not in (tmp_path / "one.py").read_text()


def test_an_input_that_only_training_reads_is_taken(tmp_path):
    text = "input X[i], N[i]\nY[i] = X[i] + N[i] if training else X[i]\noutput Y"
    tl.compile(text).export(tmp_path / "noise.pt", check=True)
    model = torch.jit.load(tmp_path / "noise.pt")
    x, n = torch.ones(2), torch.full((2,), 3.0)
    assert model(x, n).tolist() == [1, 1]
    assert model.train()(x, n).tolist() == [4, 4]
