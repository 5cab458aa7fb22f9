"""A compiled program is an ordinary torch module: parameters, state, moves, copies, hooks, functional calls."""

from __future__ import annotations

import copy
import io
import pickle

import numpy
import pytest
import torch
from torch.func import functional_call
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize

import tensorlang as tl

LAYER = """
dim o = 3
input X[b,i]
param W[o,i], B[o] ~ zeros()
Y[b,o] = relu(W[o,i] X[b,i] + B[o])
Loss = Y[b,o]^2
output Y
"""
NAMED = """
import nn
input X[b,i]
dim i = 4
H = nn.Linear(X, o=5)
Y[b] = H[b,o]
"""


@pytest.fixture
def x():
    return torch.arange(8.0).reshape(2, 4) / 8


@pytest.fixture
def layer(x):
    return tl.compile(LAYER).bind(X=x)


def test_outputs_by_name(layer, x):
    out = layer(X=x)
    assert list(out) == ["Y"]
    torch.testing.assert_close(out["Y"], torch.relu(x @ layer.W.T + layer.B))


def test_inputs_by_place_and_other_kinds(layer, x):
    expected = layer(X=x)["Y"]
    for given in (x.numpy(), x.double().numpy(), x.tolist()):
        assert torch.equal(layer(X=given)["Y"], expected)
        assert torch.equal(layer(given)["Y"], expected)


def test_integers_are_numbers_too(layer):
    ones = torch.ones(2, 4)
    for given in (ones.long(), ones.bool(), ones.to(torch.uint8)):
        assert torch.equal(layer(X=given)["Y"], layer(X=ones)["Y"])


def test_evaluate_any_tensor(layer, x):
    out = layer.evaluate(("Loss", "Y", "W", "X"), X=x)
    assert out["Loss"].item() == pytest.approx(out["Y"].square().sum().item())
    assert torch.equal(out["W"], layer.W)
    assert torch.equal(out["X"], x)


def test_what_it_says_of_itself(layer):
    assert {name: str(d) for name, d in layer.inputs.items()} == {"X": "X[b,i]  b x i  float"}
    assert {name: str(d) for name, d in layer.outputs.items()} == {"Y": "Y[b,o]  b x 3  float"}
    assert layer.dims == {"o": 3}
    assert "def compute(" in layer.source
    assert "sum[i](W[o,i] X[b,i])" in layer.explain()
    assert "Loss" not in layer.explain("Y")
    assert "out Y[b,o]" in repr(layer)
    assert layer.text == LAYER


def test_parameters_are_lazy_until_sizes_are_known(x):
    layer = tl.compile(LAYER)
    assert is_lazy(layer.W)
    assert not is_lazy(layer.B)
    assert list(layer.state_dict()) == ["W", "B"]
    copy.deepcopy(layer)
    layer(X=x)
    assert layer.W.shape == (3, 4)
    assert isinstance(layer.W, torch.nn.Parameter)
    assert not is_lazy(layer.W)


def test_lazy_parameters_take_their_size_from_loaded_weights(layer, x):
    fresh = tl.compile(LAYER, seed=1)
    fresh.load_state_dict(layer.state_dict())
    assert torch.equal(fresh(X=x)["Y"], layer(X=x)["Y"])


def test_names_with_dots_are_submodules(x):
    program = tl.compile(NAMED)
    assert sorted(program.state_dict()) == ["H.B", "H.W"]
    assert program.get_submodule("H").W.shape == (5, 4)
    torch.testing.assert_close(program(X=x)["Y"], (x @ program.H.W.T + program.H.B).sum(1))


def test_first_values_depend_on_seed_and_name_alone():
    one = tl.compile("dim i = 4\nparam W[i,i'], V[i,i']\nY = W[i,i'] V[i,i']")
    two = tl.compile("dim i = 4\nparam A[i,i'], V[i,i'], W[i,i']\nY = W[i,i'] V[i,i'] A[i,i']")
    three = tl.compile("dim i = 4\nparam W[i,i'], V[i,i']\nY = W[i,i'] V[i,i']", seed=1)
    assert torch.equal(one.W, two.W)
    assert torch.equal(one.V, two.V)
    assert not torch.equal(one.W, one.V)
    assert not torch.equal(one.W, three.W)


def test_reset_parameters(layer):
    before = layer.W.clone()
    with torch.no_grad():
        layer.W.zero_()
    layer.reset_parameters()
    assert torch.equal(layer.W, before)


def test_training_with_an_optimiser(layer, x):
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.05)
    losses = []
    for _ in range(50):
        loss = layer.evaluate("Loss", X=x)["Loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]


def test_copies_and_pickles_stand_on_their_own(layer, x):
    expected = layer(X=x)["Y"]
    kept = io.BytesIO()
    torch.save(layer.state_dict(), kept)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(twin(X=x)["Y"], expected)
        with torch.no_grad():
            twin.W.add_(1)
        assert not torch.equal(twin(X=x)["Y"], expected)
    assert torch.equal(layer(X=x)["Y"], expected)


def test_functional_call_and_its_gradient(layer, x):
    weights = {name: torch.ones_like(value) for name, value in layer.named_parameters()}
    out = functional_call(layer, weights, (), {"X": x})
    torch.testing.assert_close(out["Y"], (x.sum(1) + 1)[:, None].expand(2, 3))

    def loss(given):
        return functional_call(layer, given, (), {"X": x})["Y"].sum()

    gradients = torch.func.grad(loss)(weights)
    torch.testing.assert_close(gradients["W"], x.sum(0).expand(3, 4))


def test_vmap_over_parameters(layer, x):
    stacked = {name: torch.stack([value, 2 * value]).detach() for name, value in layer.named_parameters()}
    out = torch.func.vmap(lambda given: functional_call(layer, given, (), {"X": x})["Y"])(stacked)
    torch.testing.assert_close(out[1], 2 * out[0])


def test_hooks_and_parametrizations(layer, x):
    seen = []
    handle = layer.register_forward_hook(lambda module, args, out: seen.append(out["Y"].shape))
    layer(x)
    handle.remove()
    assert seen == [(2, 3)]

    class Double(torch.nn.Module):
        def forward(self, weight):
            return 2 * weight

    before = layer(X=x)["Y"]
    parametrize.register_parametrization(layer, "W", Double())
    torch.testing.assert_close(layer(X=x)["Y"], 2 * before)


def test_a_part_of_a_larger_module(layer, x):
    network = torch.nn.ModuleDict({"head": layer, "tail": torch.nn.Linear(3, 1)})
    assert sorted(network.state_dict()) == ["head.B", "head.W", "tail.bias", "tail.weight"]
    network.double()
    assert network["head"](X=x.double())["Y"].dtype == torch.float64
    assert network.train(False)["head"].training is False


def test_precision(x):
    layer = tl.compile(LAYER, dtype="float64")
    assert layer(X=x)["Y"].dtype == torch.float64
    layer.to(torch.bfloat16)
    assert layer(X=x.bfloat16())["Y"].dtype == torch.bfloat16


def test_precision_without_a_floating_argument():
    program = tl.compile("dim t = 3\nP[t] = sin(t / 3)", dtype="float64")
    assert program()["P"].dtype == torch.float64
    assert torch.get_default_dtype() == torch.float32


def test_gradients_reach_the_inputs(layer, x):
    x.requires_grad_()
    layer(X=x)["Y"].sum().backward()
    assert x.grad.shape == x.shape


def test_sizes_are_free_from_call_to_call(layer):
    for rows in (1, 5, 0, 7):
        assert layer(X=torch.ones(rows, 4))["Y"].shape == (rows, 3)


def test_names_that_torch_modules_use_themselves(x):
    program = tl.compile(
        "dim i = 4\ninput X[b,i]\nparam training[i] ~ ones(), type[i] ~ ones(), forward ~ ones()\n"
        "Y[b] = training[i] type[i] X[b,i] forward"
    )
    program.train().eval()
    assert sorted(program.state_dict()) == ["forward", "training", "type"]
    torch.testing.assert_close(program(X=x)["Y"], x.sum(1))
    assert torch.equal(copy.deepcopy(program).float()(X=x)["Y"], program(X=x)["Y"])


def test_buffers_are_saved_but_not_learned(x):
    program = tl.compile("dim i = 4\ninput X[b,i]\nbuffer R[i] ~ ones()\nY[b] = R[i] X[b,i]")
    assert list(program.state_dict()) == ["R"]
    assert list(program.parameters()) == []


def test_data_moves_along_but_is_not_saved(x):
    program = tl.compile("input X[b,i]\nD = [1.0, 2.0, 3.0, 4.0]\nY[b] = D[i] X[b,i]")
    assert list(program.state_dict()) == []
    torch.testing.assert_close(program(X=x)["Y"], x @ torch.tensor([1.0, 2, 3, 4]))
    assert program.double()(X=x.double())["Y"].dtype == torch.float64


def test_random_functions_follow_the_seed():
    text = "dim n = 4\ninput X[n]\nN[n] = X[n] + normal(X[n])"
    x = torch.zeros(4)
    one, two, other = tl.compile(text, seed=3), tl.compile(text, seed=3), tl.compile(text, seed=4)
    first = one(X=x)["N"]
    torch.rand(7)
    outside = torch.get_rng_state()
    assert torch.equal(two(X=x)["N"], first)
    assert not torch.equal(one(X=x)["N"], first)
    assert not torch.equal(other(X=x)["N"], first)
    assert torch.equal(torch.get_rng_state(), outside)


def test_relations_are_given_as_truth_values():
    program = tl.compile("relation Edge(n,n')\ninput X[n]\nY[n] = Edge(n,n') X[n']")
    edge, x = torch.tensor([[0, 1], [1, 1]]), torch.tensor([1.0, 2.0])
    for given in (edge.bool(), edge, edge.numpy(), edge.tolist()):
        assert program(Edge=given, X=x)["Y"].tolist() == [2, 3]
    assert program(Edge=edge / 2, X=x)["Y"].tolist() == [1, 1.5]  # weights
    with pytest.raises(tl.RunError, match=r"declared as `relation Edge\(n,n'\)`"):
        program(Edge=2 * edge, X=x)


def test_compiled_by_torch(layer, x):
    compiled = torch.compile(layer, backend="eager")
    assert torch.equal(compiled(X=x)["Y"], layer(X=x)["Y"])


def test_values_set_when_compiling():
    program = tl.compile("const k = 2\ninput a\ninput X[i]\nY[i] = k a X[i]", values={"k": 3, "a": 5})
    assert program(X=torch.ones(2))["Y"].tolist() == [15, 15]
    assert program(X=torch.ones(2), a=1)["Y"].tolist() == [3, 3]


def test_dims_from_outside():
    program = tl.compile("dim d\nparam W[d] ~ ones()\nY = W[d] W[d]", dims={"d": 4})
    assert program.dims == {"d": 4}
    assert tl.compile("dim d\nY[d] = d", dims={"d": numpy.int64(3)})()["Y"].tolist() == [0, 1, 2]
    assert program()["Y"].item() == 4


def test_a_path_and_its_folder(tmp_path):
    (tmp_path / "x.csv").write_text("1,2\n3,4\n")
    (tmp_path / "p.tl").write_text('data X[n,i] = load("x.csv")\nS = X[n,i]\n')
    assert tl.compile(tmp_path / "p.tl")()["S"].item() == 10
    assert tl.compile(str(tmp_path / "p.tl"))()["S"].item() == 10
    text = (tmp_path / "p.tl").read_text()
    assert tl.compile(text, folder=tmp_path)()["S"].item() == 10
    with pytest.raises(tl.CompileError, match="E0701"):
        tl.compile(text)


def test_warnings_of_the_compiler_are_python_warnings():
    with pytest.warns(UserWarning, match="W0"):
        tl.compile("input X[i]\nY[i] = X[i]\nY[i] = 2 X[i]")


def test_a_wrong_program_is_a_compile_error():
    with pytest.raises(tl.CompileError) as caught:
        tl.compile("input X[i]\nS = exp(X[i])")
    assert caught.value.diagnostics
    assert not isinstance(caught.value, tl.RunError)
