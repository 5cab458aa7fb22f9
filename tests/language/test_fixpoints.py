"""Fixed points that settle little by little: their values, and their gradients against unrolled steps, differences and
other solvers; in scripts, in loops, within one another, while training."""

from __future__ import annotations

import pytest
import torch

import tensorlang as tl
from tensorlang import driver
from tensorlang.backends.torch_module import build
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source
from tensorlang.stages import planned

# Three tensors, two of which are read before they are computed, in a circle of circles.
COUPLED = """
dim h = 5
input X[b,h]
param W[h,h'], U[h,h'], B[h] ~ normal(0, 1)
fixpoint Z, V tol 1e-12 max 300 method {method}
Z[b,h] = tanh(H[b,h] + X[b,h])
H[b,h] = 0.5 W[h,h'] Z[b,h'] + 0.3 V[b,h] + B[h]
V[b,h] = 0.4 sin(U[h,h'] V[b,h'] + Z[b,h])
Y = Z[b,h]^2 + H[b,h] V[b,h]
output Y, Z, V, H
"""


def coupled(method):
    return tl.compile(COUPLED.format(method=method), dtype="float64")


def unrolled(x, w, u, b, steps=400):
    z = v = h = torch.zeros_like(x)
    for _ in range(steps):
        h = 0.5 * z @ w.T + 0.3 * v + b
        z = torch.tanh(h + x)
        v = 0.4 * torch.sin(v @ u.T + z)
    return z.square().sum() + (h * v).sum(), z, v, h


def random(*shape, seed=0, grad=True):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_(grad)


def gradients(y, *of):
    return torch.autograd.grad(y, of)


@pytest.mark.parametrize("method", ["anderson", "plain"])
def test_values_and_gradients_are_those_of_many_steps(method):
    program, x = coupled(method), random(3, 5)
    out = program(X=x)
    params = [program.W, program.U, program.B]
    wanted = unrolled(x, *params)
    for name, value in zip(("Y", "Z", "V", "H"), wanted, strict=True):
        torch.testing.assert_close(out[name], value, rtol=1e-10, atol=1e-10)
    for ours, theirs in zip(gradients(out["Y"], x, *params), gradients(wanted[0], x, *params), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9 * float(theirs.abs().max()))


def test_gradients_are_those_of_finite_differences():
    program, x = coupled("anderson"), random(2, 5)
    program(X=x)
    for value in (program.W, program.U, program.B):
        value.requires_grad_(False)
    assert torch.autograd.gradcheck(lambda given: program(X=given)["Y"], (x,), eps=1e-6, atol=1e-6)


def test_each_member_has_its_own_gradient_and_may_be_used_again():
    program, x = coupled("anderson"), random(2, 5)
    out, wanted = program(X=x), unrolled(x, program.W, program.U, program.B)
    for name, value in zip(("Z", "V", "H"), wanted[1:], strict=True):
        weight = random(2, 5, seed=7, grad=False)
        (ours,) = torch.autograd.grad((out[name] * weight).sum(), [x], retain_graph=True)
        (again,) = torch.autograd.grad((out[name] * weight).sum(), [x], retain_graph=True)
        (theirs,) = torch.autograd.grad((value * weight).sum(), [x], retain_graph=True)
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)
        assert torch.equal(ours, again)


def test_nothing_of_the_way_is_kept():
    """The graph of a fixed point holds its state and inputs, not its steps."""
    text = "input X[i,h]\nparam W[h,h'] ~ const(0.001)\nfixpoint Z max 900 tol 1e-6 method plain\n"
    program = tl.compile(text + "Z[i,h] = 0.97 Z[i,h] + tanh(W[h,h'] Z[i,h'] + X[i,h])\noutput Z\n")
    kept = 0

    def pack(tensor):
        nonlocal kept
        kept += tensor.numel()
        return tensor

    x = torch.ones(4, 50)
    program(X=x)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        z = program(X=x)["Z"]
    assert z.requires_grad
    assert kept <= 3 * 50 * 50  # W, and a few tensors of the size of Z


@pytest.mark.parametrize("method", ["anderson", "plain"])
def test_a_script_gives_the_same_for_other_sizes(method):
    checked = check(Source("p.tl", COUPLED.format(method=method)), Options())
    made = build(planned(checked.correct(), ("Y", "Z")), dtype="float64")
    params = {"W": random(5, 5, seed=1) / 3, "U": random(5, 5, seed=2) / 3, "B": random(5, seed=3)}
    model = made.model({name: value.detach() for name, value in params.items()})
    script = torch.jit.script(model)
    for rows in (2, 7):
        x = random(rows, 5)
        with torch.no_grad():
            for ours, theirs in zip(script(x), model(x), strict=True):
                assert torch.equal(ours, theirs)
        owned = list(script.parameters())
        ours = gradients(script(x)[0], x, *owned)
        theirs = gradients(model(x)[0], x, *model.parameters())
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-8)


def test_complex_states():
    text = "input complex A[i,j], B[i]\nfixpoint Z tol 1e-12\nZ[i] = A[i,j] Z[j] + B[i]\noutput Z\n"
    program = tl.compile(text, dtype="float64")
    a = (torch.complex(random(4, 4, grad=False), random(4, 4, seed=1, grad=False)) / 10).requires_grad_()
    b = torch.complex(random(4, seed=2, grad=False), random(4, seed=3, grad=False)).requires_grad_()
    ours, theirs = program(A=a, B=b)["Z"], torch.linalg.solve(torch.eye(4) - a, b)
    torch.testing.assert_close(ours, theirs)
    pairs = zip(gradients(ours.abs().sum(), a, b), gradients(theirs.abs().sum(), a, b), strict=True)
    for found, wanted in pairs:
        torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-10)


def test_several_fixed_points_one_behind_the_other():
    text = """
input A[i,j], B[i]
fixpoint Z tol 1e-12
Z[i] = A[i,j] Z[j] + B[i]
fixpoint Q tol 1e-12
Q[i] = 0.5 cos(Q[i]) + Z[i]
output Q
"""
    program, a, b = tl.compile(text, dtype="float64"), (random(4, 4) / 8).detach().requires_grad_(), random(4, seed=1)
    ours = program(A=a, B=b)["Q"]
    z = torch.linalg.solve(torch.eye(4, dtype=torch.float64) - a, b)
    theirs = z
    for _ in range(100):
        theirs = 0.5 * torch.cos(theirs) + z
    torch.testing.assert_close(ours, theirs)
    for found, wanted in zip(gradients(ours.sum(), a, b), gradients(theirs.sum(), a, b), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-9)


def test_single_precision_reaches_what_it_resolves():
    """A tolerance below the precision of the numbers is taken as that precision: wide sums settle all the same."""
    text = "input W[i,j], X[b,i]\nfixpoint Z tol 1e-12 max 60\nZ[b,i] = tanh(W[i,j] Z[b,j] + X[b,i])\noutput Z\n"
    program = tl.compile(text)
    generator = torch.Generator().manual_seed(3)
    w = 0.9 * torch.linalg.qr(torch.randn(1000, 1000, generator=generator))[0]
    x = 3 * torch.randn(16, 1000, generator=generator)
    z = program(W=w, X=x)["Z"]
    torch.testing.assert_close(z, torch.tanh(z @ w.T + x), rtol=0, atol=3e-6)


SPARSE = """
input A[m,i], B[m]
fixpoint X tol 1e-6 max {most} method {method}
X[i] = relu(M[i] - 0.01) - relu(-M[i] - 0.01)
M[i] = X[i] - 0.1 A[m,i] (A[m,i'] X[i'] - B[m])
output X
"""


@pytest.mark.parametrize("seed", range(6))
def test_mixtures_that_kinks_would_turn_in_circles_settle(seed):
    """A sparse regression by soft thresholds, and its gradient, whose equation hardly contracts."""
    a, b = random(5, 8, seed=seed) / 2, random(5, seed=seed + 100)
    found = []
    for method, most in (("anderson", 3000), ("plain", 30_000)):
        x = tl.compile(SPARSE.format(method=method, most=most), dtype="float64")(A=a, B=b)["X"]
        found.append((x, torch.autograd.grad(x.sum(), b)[0]))
    (ours, slope), (theirs, wanted) = found
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-3)
    torch.testing.assert_close(slope, wanted, rtol=1e-2, atol=1e-2)


def test_states_without_elements():
    program = tl.compile("input X[b,h]\nfixpoint Z\nZ[b,h] = 0.5 Z[b,h] + X[b,h]\noutput Z\n")
    assert program(X=torch.ones(0, 3))["Z"].shape == (0, 3)


def test_what_does_not_depend_on_the_circle_is_computed_once():
    text = "input X[b,i], U[h,i], W[h,h']\nfixpoint Z\nZ[b,h] = tanh(0.1 W[h,h'] Z[b,h'] + U[h,i] X[b,i])\noutput Z\n"
    step = tl.compile(text).source.split("def one_step(")[1].split(")")[0]
    names = {argument.partition(":")[0].strip() for argument in step.split(",")}
    assert len(names) == 3
    assert "U" not in names
    assert "X" not in names


TRAINED = """
X = [[0.0, 1], [1, 0], [1, 1], [0, 0]]
T = [1.0, 1, 0, 0]
dim h = 6
param W[h,h'] ~ normal(0, 0.2)
param U[h,i] ~ normal(0, 1)
param V[h] ~ normal(0, 1)
param B[h]
fixpoint Z tol 1e-5
Z[n,h] = tanh(W[h,h'] Z[n,h'] + U[h,i] X[n,i] + B[h])
Y[n] = V[h] Z[n,h]
Loss = (Y[n] - T[n])^2
minimize Loss with {method}
Loss?
"""


@pytest.mark.parametrize("method", ["adam(lr=0.03), steps=150", "lbfgs(lr=0.5), steps=30"])
def test_training_through_a_fixed_point(method):
    results = driver.run(Source("p.tl", TRAINED.format(method=method)), Options(), None)
    assert float(results.outputs["Loss"]) < 1e-3


LAYERS = """
dim layer = 3, h = 4
input X[b,h]
param W[layer,h,h'] ~ normal(0, 0.2)
S[0,b,h] = X[b,h]
fixpoint Z tol 1e-12 max {most}
Z[layer,b,h] = tanh(W[layer,h,h'] Z[layer,b,h'] + S[layer,b,h])
S[layer+1,b,h] = Z[layer,b,h] + 0.5 S[layer,b,h]
Last[b,h] = S[-1,b,h]
output Last
"""

MODULES = """
def Rest(X[b,h]) -> Y[b,h]:
    param W[h,h'] ~ normal(0, 0.2)
    fixpoint Z tol 1e-12 max {most}
    Z[b,h] = tanh(W[h,h'] Z[b,h'] + X[b,h])
    Y[b,h] = Z[b,h] + 0.5 X[b,h]

dim layer = 3, h = 4
input X[b,h]
S[0,b,h] = X[b,h]
S[layer+1] = Rest[layer](S[layer])
Last[b,h] = S[-1,b,h]
output Last
"""


def layers(x, weights):
    s = x
    for w in weights:
        z = torch.zeros_like(s)
        for _ in range(200):
            z = torch.tanh(z @ w.T + s)
        s = z + 0.5 * s
    return s


@pytest.mark.parametrize("text", [LAYERS, MODULES])
def test_a_layer_at_rest_in_each_layer_of_a_network(text):
    """Each layer comes to rest before the next one begins, in as few steps as it alone needs."""
    program, x = tl.compile(text.format(most=60), dtype="float64"), random(2, 4)
    ours = program(X=x)["Last"]
    (w,) = program.parameters()
    theirs = layers(x, w)
    torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-8)
    for found, wanted in zip(gradients(ours.sum(), x, w), gradients(theirs.sum(), x, w), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-8)


def test_a_layer_that_does_not_come_to_rest_is_told():
    program = tl.compile(LAYERS.format(most=3))
    with pytest.raises(tl.RunError, match=r"E0530.*`Z` did not settle in 3 steps"):
        program(X=torch.ones(2, 4))


def test_shortest_ways_that_change_with_time():
    """A circle of aggregates at each position of a recurrence: distances, dearer where they were long before."""
    text = """
input W[t,x,x']
dim x = 5
fixpoint D
D[t,z] min= D[t,y] + W[t,y,z] + 0.1 Old[t,z]
D[t,z] min= Old[t,z] + 9
Old[t+1,z] = D[t,z]
Old[0,z] = z
output D
"""
    w = torch.rand(4, 5, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 8
    found = tl.compile(text, dtype="float64")(W=w)["D"]
    old = torch.arange(5, dtype=torch.float64)
    for t in range(4):
        d = old + 9
        for _ in range(10):
            d = torch.minimum(old + 9, (d[:, None] + w[t]).amin(0) + 0.1 * old)
        torch.testing.assert_close(found[t], d)
        old = d


def test_a_recurrence_inside_a_fixed_point():
    """A state over time that feels its own mean: each step goes through all positions, only the mean is iterated."""
    text = """
input X[t,h]
param U[h,h'] ~ normal(0, 0.3)
fixpoint M tol 1e-12 max 60
M[h] = mean[t](H[t,h])
H[t,h] = tanh(U[h,h'] H[t-1,h'] + X[t,h] + 0.5 M[h])
output H, M
"""
    program, x = tl.compile(text, dtype="float64"), random(150, 4)
    assert "M_before" in program.source
    assert "H_before" not in program.source
    ours = program(X=x)
    m = torch.zeros(4, dtype=torch.float64)
    for _ in range(100):
        rows, h = [], torch.zeros(4, dtype=torch.float64)
        for row in x:
            h = torch.tanh(program.U @ h + row + 0.5 * m)
            rows.append(h)
        hs = torch.stack(rows)
        m = hs.mean(0)
    torch.testing.assert_close(ours["H"], hs, rtol=1e-8, atol=1e-8)
    pairs = zip(gradients(ours["H"].sum(), x, program.U), gradients(hs.sum(), x, program.U), strict=True)
    for found, wanted in pairs:
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-8)


NESTED = {
    "layers": (LAYERS.format(most=60), ("Last",), {"W": (3, 4, 4)}),
    "time": (
        "input X[b,h]\nparam W[h,h']\nfixpoint M tol 1e-12\nM[h] = mean[b](H[b,h])\n"
        "H[b,h] = tanh(W[h,h'] H[b-1,h'] + X[b,h] + 0.5 M[h])\noutput H\n",
        ("H",),
        {"W": (4, 4)},
    ),
    "inside": (
        "input X[b,h]\nparam W[h,h']\nfixpoint Z tol 1e-12\nZ[b,h] = tanh(W[h,h'] Z[b,h'] + X[b,h])\n"
        "fixpoint Q tol 1e-12\nQ[b,h] = 0.3 sin(Q[b,h']) W[h,h'] + Z[b,h]\noutput Q\n",
        ("Q",),
        {"W": (4, 4)},
    ),
}


@pytest.mark.parametrize("name", NESTED)
def test_nested_ones_script(name):
    text, outputs, shapes = NESTED[name]
    made = build(planned(check(Source("p.tl", text), Options()).correct(), outputs), dtype="float64")
    model = made.model({param: (random(*shape, seed=1) / 5).detach() for param, shape in shapes.items()})
    script = torch.jit.script(model)
    for rows in (3, 6):
        x = random(rows, 4)
        ours, theirs = script(x), model(x)
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-10)
        found = gradients(ours.square().sum(), x, *script.parameters())
        wanted = gradients(theirs.square().sum(), x, *model.parameters())
        for a, b in zip(found, wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-8)
