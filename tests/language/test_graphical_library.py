"""Belief propagation against sums over all states (trees) and its own messages (loops); circuits add up to one."""

from __future__ import annotations

import itertools

import pytest
import torch

import tensorlang as tl
from tensorlang.backends.torch_module import build
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source
from tensorlang.stages import planned

TREES = {
    "pair": [(0, 1)],
    "chain": [(0, 1), (1, 2), (2, 3)],
    "star": [(0, 1), (0, 2), (0, 3), (3, 4)],
    "apart": [(0, 1), (2, 3)],
}
LOOP = [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)]


def model(edges, states=3, batch=(), strength=1.0):
    generator = torch.Generator().manual_seed(5)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    count = 1 + max(map(max, edges))
    joined, pair = torch.zeros(count, count, dtype=torch.float64), draw(count, count, states, states) * strength
    for i, j in edges:
        joined[i, j] = joined[j, i] = 1
        pair[j, i] = pair[i, j].T
    return draw(*batch, count, states), pair, joined


def program(name, batch=()):
    axes = "".join(f"{letter}," for letter in "bc"[: len(batch)])
    text = f"import graphical\ninput U[{axes}i,s], W[i,j,s,s'], A[i,j]\nY = graphical.{name}(U, W, A)\noutput Y"
    compiled = tl.compile(text, dtype="float64")
    return lambda alone, pair, joined: compiled(U=alone, W=pair, A=joined)["Y"]


def weights(alone, pair, joined):
    """The unnormalised probability of every state of one model, an axis for each variable."""
    count, states = alone.shape
    total = torch.zeros((states,) * count, dtype=torch.float64)
    for i in range(count):
        total = total + alone[i].view([states if axis == i else 1 for axis in range(count)])
        for j in range(i + 1, count):
            if joined[i, j]:
                total = total + pair[i, j].view([states if axis in (i, j) else 1 for axis in range(count)])
    return total.exp()


def over_all_but(table, kept):
    return table.sum([axis for axis in range(table.ndim) if axis not in kept])


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("batch", [(), (2,)], ids=str)
def test_on_a_tree_marginals_and_the_partition_function_are_exact(tree, batch):
    alone, pair, joined = model(TREES[tree], batch=batch)
    beliefs, total = (program(name, batch)(alone, pair, joined) for name in ("Beliefs", "BetheLogZ"))
    for at, one in enumerate(alone.reshape(-1, *alone.shape[-2:])):
        table = weights(one, pair, joined)
        wanted = torch.stack([over_all_but(table, (i,)) for i in range(len(one))]) / table.sum()
        torch.testing.assert_close(beliefs.reshape(-1, *one.shape)[at], wanted, rtol=0, atol=1e-6)
        torch.testing.assert_close(total.reshape(-1)[at], table.sum().log(), rtol=0, atol=1e-6)


def test_joint_marginals_of_neighbours_are_exact_on_a_tree():
    alone, pair, joined = model(TREES["star"])
    beliefs = program("PairBeliefs")(alone, pair, joined)
    table = weights(alone, pair, joined)
    for i, j in TREES["star"]:
        wanted = over_all_but(table, (i, j)) / table.sum()
        torch.testing.assert_close(beliefs[i, j], wanted, rtol=0, atol=1e-6)
        torch.testing.assert_close(beliefs[j, i], wanted.T, rtol=0, atol=1e-6)
    assert beliefs[1, 2].abs().max() == 0


@pytest.mark.parametrize("tree", TREES)
def test_the_likeliest_states_of_a_tree_are_found(tree):
    alone, pair, joined = model(TREES[tree])
    found = program("Decode")(alone, pair, joined)
    table = weights(alone, pair, joined)
    assert tuple(found.tolist()) == tuple(int(at) for at in torch.unravel_index(table.argmax(), table.shape))


def written_out(alone, pair, joined, rounds=2000):
    """The sum-product algorithm with one message after the other, as probabilities."""
    count, states = alone.shape
    edges = [(i, j) for i in range(count) for j in range(count) if joined[i, j]]
    said = {edge: torch.full((states,), 1 / states, dtype=torch.float64) for edge in edges}
    for _ in range(rounds):
        for i, j in edges:
            heard = [said[k, i] for k in range(count) if joined[k, i] and k != j]
            product = alone[i].exp() * torch.stack([*heard, torch.ones(states, dtype=torch.float64)]).prod(0)
            message = pair[i, j].exp().T @ product
            said[i, j] = message / message.sum()
    return torch.stack(
        [alone[i].exp() * torch.stack([said[e] for e in edges if e[1] == i]).prod(0) for i in range(count)]
    )


def test_with_loops_it_is_the_fixed_point_of_the_messages():
    alone, pair, joined = model(LOOP, strength=0.5)
    beliefs = program("Beliefs")(alone, pair, joined)
    wanted = written_out(alone, pair, joined)
    torch.testing.assert_close(beliefs, wanted / wanted.sum(1, keepdim=True), rtol=0, atol=1e-5)
    table = weights(alone, pair, joined)
    exact = torch.stack([over_all_but(table, (i,)) for i in range(len(alone))]) / table.sum()
    assert 1e-3 < (beliefs - exact).abs().max() < 0.1


@pytest.mark.parametrize("edges", [TREES["star"], LOOP], ids=["tree", "loop"])
def test_the_gradient_of_the_partition_function_are_the_beliefs(edges):
    alone, pair, joined = model(edges, strength=0.5)
    alone.requires_grad_()
    program("BetheLogZ")(alone, pair, joined).backward()
    torch.testing.assert_close(alone.grad, program("Beliefs")(alone.detach(), pair, joined), rtol=0, atol=1e-5)


def test_gradients_through_the_fixed_point_are_those_of_finite_differences():
    alone, pair, joined = model(LOOP, states=2, strength=0.5)
    run = program("Beliefs")
    weight = torch.randn(alone.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    pair.requires_grad_()
    (run(alone, pair, joined) * weight).sum().backward()
    step = torch.zeros_like(pair)
    step[0, 1, 0, 1] = 1e-4
    with torch.no_grad():
        after, before = ((run(alone, pair + sign * step, joined) * weight).sum() for sign in (1, -1))
    torch.testing.assert_close(pair.grad[0, 1, 0, 1], (after - before) / 2e-4, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("name", ["Beliefs", "Decode"])
def test_propagation_scripts(name):
    alone, pair, joined = (value.float() for value in model(LOOP, strength=0.5))
    text = f"import graphical\ninput U[i,s], W[i,j,s,s'], A[i,j]\nY = graphical.{name}(U, W, A)\noutput Y"
    checked = check(Source("test.tl", text), Options())
    checked.problems.raise_errors()
    scripted = torch.jit.script(build(planned(checked.program, checked.program.outputs)).model({}))
    torch.testing.assert_close(scripted(alone, pair, joined), tl.compile(text)(U=alone, W=pair, A=joined)["Y"])


# --- circuits ------------------------------------------------------------------------------------------------------

# Five variables: 0 and 1, 2 and 3 are joined first, then these two, and 4 comes last.
CIRCUIT = """
import graphical
input int X[n,r]
E = graphical.Leaves(X, k=3, v=2)
Left = [[0, 2, 4, 0, 0], [0, 2, 0, 0, 0], [0, 0, 0, 0, 0]]
Right = [[1, 3, -1, 0, 0], [1, -1, 0, 0, 0], [1, -1, 0, 0, 0]]
Y = graphical.Circuit(E, Left, Right)
output Y
"""


@pytest.fixture(scope="module")
def circuit():
    return tl.compile(CIRCUIT, dtype="float64")


INPUTS = torch.tensor(list(itertools.product(range(2), repeat=5)))


def test_a_circuit_adds_up_to_one_over_all_inputs(circuit):
    values = circuit(X=INPUTS)["Y"].exp()
    torch.testing.assert_close(values.sum(), torch.tensor(1.0, dtype=torch.float64))
    assert values.std() > 1e-3


def test_a_circuit_is_the_sum_over_its_mixtures(circuit):
    weights = {name: value.detach() for name, value in circuit.named_parameters()}
    leaf = weights["E.W"].softmax(2)
    inner = weights["Y.W"].softmax(3)
    one = torch.stack([leaf[r, :, x] for r, x in enumerate([1, 0, 0, 1, 1])])
    first = [inner[0, 0] @ (one[0] * one[1]), inner[0, 1] @ (one[2] * one[3]), inner[0, 2] @ one[4]]
    second = [inner[1, 0] @ (first[0] * first[1]), inner[1, 1] @ first[2]]
    wanted = weights["Y.V"].softmax(0) @ (inner[2, 0] @ (second[0] * second[1]))
    torch.testing.assert_close(circuit(X=torch.tensor([[1, 0, 0, 1, 1]]))["Y"].exp(), wanted[None])


def test_a_variable_that_is_not_seen_is_summed_out(circuit):
    values = circuit(X=INPUTS)["Y"].exp()
    seen = (INPUTS[:, 1] == 1) & (INPUTS[:, 4] == 0)
    found = circuit(X=torch.tensor([[-1, 1, -1, -1, 0]]))["Y"].exp()
    torch.testing.assert_close(found, values[seen].sum()[None])


def test_a_circuit_learns():
    model = tl.compile(CIRCUIT, dtype="float64", seed=1)
    data = torch.tensor([[0, 0, 1, 1, 0], [1, 1, 0, 0, 1]]).repeat(8, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(150):
        optimiser.zero_grad()
        (-model(X=data)["Y"].mean()).backward()
        optimiser.step()
    assert model(X=data)["Y"].exp().min() > 0.4
    assert model(X=torch.tensor([[0, 0, 0, 0, 1]]))["Y"].exp().max() < 0.05
