"""stdlib/loss.tl and stdlib/activation.tl: equal to torch's functions, or to their definitions written out here."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

import tensorlang as tl


def loss(call, **inputs):
    shapes = ["Label[n] in c" if name == "Label" else f"{name}[{','.join('nckd'[: value.dim()])}]"
              for name, value in inputs.items()]  # fmt: skip
    return tl.compile(f"import loss\ndim c\ninput {', '.join(shapes)}\nL = loss.{call}\n")


def learned(inputs):
    """Copies with gradients, but for what is true: T is no result of anything."""
    return {n: v.clone().requires_grad_(v.is_floating_point() and n != "T") for n, v in inputs.items()}


def check(program, wanted, **inputs):
    """Values to 1e-5 and gradients to 1e-4."""
    mine, theirs = learned(inputs), learned(inputs)
    (found,) = program(**mine).values()
    expected = wanted(**theirs)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    weight = torch.randn_like(found)
    (found * weight).sum().backward()
    (expected * weight).sum().backward()
    for name, value in mine.items():
        if value.grad is not None or theirs[name].grad is not None:
            torch.testing.assert_close(value.grad, theirs[name].grad, rtol=0, atol=1e-4)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def labels(count, classes):
    return torch.randint(0, classes, (count,), generator=torch.Generator().manual_seed(4))


def signs(*shape):
    return torch.where(draw(*shape, seed=9) > 0, 1.0, -1.0)


REGRESSION = {
    "MSE(Y, T)": F.mse_loss,
    "MAE(Y, T)": F.l1_loss,
    "Huber(Y, T, delta=0.7)": lambda y, t: F.huber_loss(y, t, delta=0.7),
}


@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 3, 4)])
@pytest.mark.parametrize("call", REGRESSION)
def test_regression(call, shape):
    y, t = draw(*shape), draw(*shape, seed=1)
    check(loss(call, Y=y, T=t), lambda Y, T: REGRESSION[call](Y, T), Y=y, T=t)


def test_classes():
    score, label = draw(6, 4), labels(6, 4)
    given = {"Score": score, "Label": label}
    check(loss("CrossEntropy(Score, Label)", **given), lambda Score, Label: F.cross_entropy(Score, Label), **given)

    def smooth(Score, Label):
        return F.cross_entropy(Score, Label, label_smoothing=0.1)

    check(loss("SmoothCrossEntropy(Score, Label, smooth=0.1)", **given), smooth, **given)


def test_yes_and_no():
    score, truth = draw(5, 3), (draw(5, 3, seed=2) > 0).float()
    check(loss("BinaryCrossEntropy(Score, T)", Score=score, T=truth),
          lambda Score, T: F.binary_cross_entropy_with_logits(Score, T), Score=score, T=truth)  # fmt: skip

    def focal(Score, T):
        right = T * torch.sigmoid(Score) + (1 - T) * torch.sigmoid(-Score)
        return (-((1 - right) ** 2) * torch.log(right)).mean()

    check(loss("Focal(Score, T, gamma=2)", Score=score, T=truth), focal, Score=score, T=truth)


def test_margins():
    score, side = draw(7), signs(7)
    check(loss("Hinge(Score, T)", Score=score, T=side), lambda Score, T: F.relu(1 - T * Score).mean(),
          Score=score, T=side)  # fmt: skip
    a, p, n = draw(5, 4), draw(5, 4, seed=1), draw(5, 4, seed=2)
    check(loss("Triplet(A, P, N, margin=1)", A=a, P=p, N=n),
          lambda A, P, N: F.triplet_margin_loss(A, P, N, margin=1.0, eps=0.0), A=a, P=p, N=n)  # fmt: skip


def test_contrastive():
    def clip(X, Y):
        s = F.normalize(X, dim=1) @ F.normalize(Y, dim=1).T / 0.5
        own = torch.arange(len(X))
        return (F.cross_entropy(s, own) + F.cross_entropy(s.T, own)) / 2

    x, y = draw(6, 4), draw(6, 4, seed=1)
    check(loss("Contrastive(X, Y, temperature=0.5)", X=x, Y=y), clip, X=x, Y=y)


def test_barlow_twins():
    def twins(X, Y):
        u, v = ((z - z.mean(0)) / z.std(0, correction=0) for z in (X, Y))
        c = u.T @ v / len(X)
        on = (1 - c.diagonal()).square().sum()
        return on + 0.01 * (c.square().sum() - c.diagonal().square().sum())

    x, y = draw(9, 4), draw(9, 4, seed=1)
    check(loss("BarlowTwins(X, Y, weight=0.01)", X=x, Y=y), twins, X=x, Y=y)


def test_the_score_of_a_soft_confusion_matrix_becomes_exact():
    p, t = torch.rand(50, generator=torch.Generator().manual_seed(1)), (draw(50) > 0).float()
    program = loss("AnyLossF(P, T, steep=4000)", P=p, T=t)
    sure = (p > 0.5).float()
    f = 2 * (sure * t).sum() / (sure.sum() + t.sum())
    torch.testing.assert_close(program(P=p, T=t)["L"], 1 - f, rtol=0, atol=2e-2)
    soft = torch.sigmoid(10 * (p - 0.5))
    wanted = 1 - 2 * (soft * t).sum() / (soft.sum() + t.sum())
    torch.testing.assert_close(loss("AnyLossF(P, T, steep=10)", P=p, T=t)(P=p, T=t)["L"], wanted)


GATED = {"GLU": torch.sigmoid, "ReGLU": F.relu, "GEGLU": F.gelu, "SwiGLU": F.silu}
SINGLE = {
    "Mish": F.mish,
    "SquaredReLU": lambda x: F.relu(x) ** 2,
    "Swish": F.silu,
    "PReLU": lambda x: F.leaky_relu(x, 0.25),
}


def activation(call):
    return tl.compile(f"import activation\ninput X[b,d]\ndim d = 8\nY = activation.{call}\n")


@pytest.mark.parametrize("name", GATED)
def test_gated_units(name):
    def gated(X):
        return X[:, :4] * GATED[name](X[:, 4:])

    check(activation(f"{name}(X)"), gated, X=draw(5, 8))


@pytest.mark.parametrize("name", SINGLE)
def test_single_values(name):
    check(activation(f"{name}(X)"), lambda X: SINGLE[name](X), X=draw(5, 8))


def test_polynomials_of_features():
    x = draw(5, 8)
    program = activation("PolyReLU(X, p=4)")
    a = torch.tensor([0.1, -0.2, 0.3, 0.4])
    program.load_state_dict({"Y.A": a})
    check(program, lambda X: sum(a[p] * F.relu(X) ** p for p in range(4)), X=x)
    program = activation("PolyNorm(X, p=3)")
    a, b = torch.tensor([0.5, -0.2, 0.3]), torch.tensor(0.7)
    program.load_state_dict({"Y.A": a, "Y.B": b})

    def wanted(X):
        return b + sum(a[p] * F.rms_norm(X ** (p + 1), (8,), eps=1e-6) for p in range(3))

    check(program, wanted, X=x)


def test_a_quadratic_neuron_begins_as_a_plain_one_and_multiplies_two_maps():
    x = draw(5, 8)
    program = activation("Quadratic(X, o=3)")
    r = dict(program.named_parameters())["Y.R"].detach()
    torch.testing.assert_close(program(X=x)["Y"], x @ r.T)
    values = {name: draw(*value.shape, seed=len(name)) for name, value in program.state_dict().items()}
    program.load_state_dict(values)
    v = {name.removeprefix("Y."): value for name, value in values.items()}

    def wanted(X):
        return (X @ v["R"].T + v["A"]) * (X @ v["G"].T + v["B"]) + X**2 @ v["S"].T + v["C"]

    check(program, wanted, X=x)
