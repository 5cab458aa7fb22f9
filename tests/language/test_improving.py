"""Circles of min= max= or= and=: until nothing changes. Against algorithms written by hand, with their gradients."""

from __future__ import annotations

import heapq
import math

import pytest
import torch

import tensorlang as tl
from tensorlang.backends.torch_module import build
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source
from tensorlang.stages import planned

INF = math.inf

ALL_PAIRS = """
input W[x,x']
D[x,z] min= W[x,z]
D[x,z] min= D[x,y] + D[y,z]
output D
"""

STEP_BY_STEP = """
input W[x,x']
D[x,z] min= W[x,z]
D[x,z] min= D[x,y] + W[y,z]
output D
"""

FROM_ONE = """
input W[x,x']
D[z] min= D[y] + W[y,z]
D[0] = 0
output D
"""


def graph(n, density, seed, diagonal=0.0, low=0.1):
    generator = torch.Generator().manual_seed(seed)
    weights = low + torch.rand(n, n, dtype=torch.float64, generator=generator)
    weights[torch.rand(n, n, generator=generator) > density] = INF
    weights.fill_diagonal_(diagonal)
    return weights


def floyd(weights):
    d = weights.tolist()
    n = len(d)
    for k in range(n):
        for i in range(n):
            for j in range(n):
                d[i][j] = min(d[i][j], d[i][k] + d[k][j])
    return torch.tensor(d, dtype=torch.float64)


def dijkstra(weights, source):
    w = weights.tolist()
    distance, before = [INF] * len(w), [-1] * len(w)
    distance[source] = 0.0
    queue = [(0.0, source)]
    while queue:
        d, at = heapq.heappop(queue)
        for to, weight in enumerate(w[at]):
            if d + weight < distance[to]:
                distance[to], before[to] = d + weight, at
                heapq.heappush(queue, (d + weight, to))
    return torch.tensor(distance, dtype=torch.float64), before


def of(text, **inputs):
    return tl.compile(text, dtype="float64")(**inputs)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("text", [ALL_PAIRS, STEP_BY_STEP])
def test_shortest_ways_between_all_pairs(text, seed):
    weights = graph(12, 0.25, seed)
    torch.testing.assert_close(of(text, W=weights)["D"], floyd(weights), rtol=1e-12, atol=0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("diagonal", [0.0, INF, 1.0])
def test_shortest_ways_from_one(seed, diagonal):
    weights = graph(30, 0.1, seed, diagonal)
    torch.testing.assert_close(of(FROM_ONE, W=weights)["D"], dijkstra(weights, 0)[0], rtol=1e-12, atol=0)


def used(weights, before, weight):
    """How the weights count in a weighted sum of the distances: by the edges of the shortest ways."""
    gradient = torch.zeros_like(weights)
    for to in range(len(before)):
        at = to
        while before[at] >= 0:
            gradient[before[at], at] += weight[to]
            at = before[at]
    return gradient


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("diagonal", [0.0, INF])
def test_a_gradient_is_along_the_shortest_ways(seed, diagonal):
    weights = graph(25, 0.12, seed, diagonal)
    distance, before = dijkstra(weights, 0)
    weight = torch.arange(1.0, 26, dtype=torch.float64)
    given = weights.clone().requires_grad_()
    reached = torch.isfinite(distance)
    found = of(FROM_ONE, W=given)["D"]
    (found * weight)[reached].sum().backward()
    wanted = used(weights, before, weight)
    off = ~torch.eye(25, dtype=torch.bool)
    torch.testing.assert_close(given.grad[off], wanted[off], rtol=1e-12, atol=1e-12)
    # An edge of no length from an element to itself is one of two best ways there: its share stays with the element.
    assert torch.isfinite(given.grad).all()


@pytest.mark.parametrize("text", [ALL_PAIRS, STEP_BY_STEP])
def test_all_pairs_have_the_gradient_of_differences(text):
    weights = graph(8, 0.4, 5, diagonal=3.0).clamp(max=50)
    given = weights.clone().requires_grad_()
    program = tl.compile(text, dtype="float64")
    assert torch.autograd.gradcheck(lambda w: program(W=w)["D"], (given,), eps=1e-7, atol=1e-6)


@pytest.mark.parametrize("text", [ALL_PAIRS, STEP_BY_STEP])
def test_ways_of_no_length_end_with_finite_gradients(text):
    """A zero diagonal makes every way one of many of the same length; what is passed on adds up to what was given."""
    weights = graph(9, 0.4, 2).requires_grad_()
    d = of(text, W=weights)["D"]
    off = torch.isfinite(d) & ~torch.eye(9, dtype=torch.bool)
    d[off].sum().backward()
    slope = (weights.grad * torch.where(torch.isfinite(weights), weights, 0)).sum().detach()
    assert torch.isfinite(weights.grad).all()
    torch.testing.assert_close(slope, d[off].sum().detach())  # distances are linear in all weights together


def test_two_shortest_ways_share():
    weights = torch.tensor([[INF, 1, 1, INF], [INF, INF, INF, 1], [INF, INF, INF, 1], [INF] * 4], dtype=torch.float64)
    weights.requires_grad_()
    of(FROM_ONE, W=weights)["D"][3].backward()
    half = torch.zeros(4, 4, dtype=torch.float64)
    half[0, 1] = half[0, 2] = half[1, 3] = half[2, 3] = 0.5
    torch.testing.assert_close(weights.grad, half)


def test_the_widest_way():
    text = "input C[x,x']\nB[z] max= min(B[y], C[y,z])\nB[0] = inf\noutput B\n"
    capacity = torch.tensor([[0, 3, 9, 0], [0, 0, 0, 4], [0, 8, 0, 2], [0, 0, 0, 0.0]], dtype=torch.float64)
    capacity.requires_grad_()
    found = of(text, C=capacity)["B"]
    assert found.tolist() == [INF, 8, 9, 4]
    found[3].backward()
    assert capacity.grad.nonzero().tolist() == [[1, 3]]


def test_reachability_and_components():
    text = """
relation Edge(n,n')
L[n] min= n
L[n] min= L[n'] where Edge(n,n') or Edge(n',n)
R(n,n') or= Edge(n,n')
R(n,n'') or= R(n,n') R(n',n'')
Only(n) and= Only(n') where Edge(n,n')
Only(n) and= n < 5
output L, R, Only
"""
    edges = torch.zeros(7, 7, dtype=torch.bool)
    for a, b in ((0, 1), (1, 2), (2, 0), (3, 4), (4, 5)):
        edges[a, b] = True
    out = tl.compile(text)(Edge=edges)
    assert out["L"].tolist() == [0, 0, 0, 3, 3, 3, 6]
    assert out["L"].dtype == torch.int64
    assert [[int(k) for k in row.nonzero().flatten()] for row in out["R"]] == [
        [0, 1, 2], [0, 1, 2], [0, 1, 2], [4, 5], [5], [], [],
    ]  # fmt: skip
    assert out["Only"].tolist() == [True, True, True, False, False, False, False]


def test_a_script_gives_the_same_with_its_gradient_on_other_sizes():
    checked = check(Source("p.tl", STEP_BY_STEP), Options())
    made = build(planned(checked.correct(), ("D",)), dtype="float64")
    script = torch.jit.script(made.compute)
    for n, seed in ((5, 0), (11, 1)):
        weights = graph(n, 0.4, seed, diagonal=1.0).clamp(max=20).requires_grad_()
        ours, theirs = script(weights), made.compute(weights)
        assert torch.equal(ours, theirs)
        weight = torch.rand(n, n, dtype=torch.float64)
        (found,) = torch.autograd.grad((ours * weight).sum(), weights)
        (wanted,) = torch.autograd.grad((theirs * weight).sum(), weights)
        torch.testing.assert_close(found, wanted)


GRAMMAR = """
dim i, p = |i| + 1                     # words, and the places between them
dim s = 3, w = 3                       # symbols S A B; words a b c
input int Word[i]
input Rule[s,s',s''], Lex[s,w]
Cell(p,p',s) or= Lex[s,Word[i]] > 0 where p == i, p' == i + 1
Cell(p,p'',s) or= Rule[s,s',s''] > 0 and Cell(p,p',s') and Cell(p',p'',s'')
Best[p,p',s] max= log(Lex[s,Word[i]]) where p == i, p' == i + 1
Best[p,p'',s] max= log(Rule[s,s',s'']) + Best[p,p',s'] + Best[p',p'',s'']
Parses = Cell(0,-1,0)
Score = exp(Best[0,-1,0])
output Parses, Score
"""


def cyk(words, rule, lex):
    """The best derivation of each stretch, by its length."""
    n, symbols = len(words), len(lex)
    best = {}
    for i, word in enumerate(words):
        for s in range(symbols):
            best[i, i + 1, s] = lex[s][word]
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            k = i + length
            for s in range(symbols):
                best[i, k, s] = max(
                    rule[s][a][b] * best[i, j, a] * best[j, k, b]
                    for j in range(i + 1, k)
                    for a in range(symbols)
                    for b in range(symbols)
                )
    return best[0, n, 0]


@pytest.mark.parametrize("words", [[0, 1], [0, 0, 1, 1], [0, 1, 0, 1, 2], [2, 2, 1], [1, 0]])
def test_parsing(words):
    rule = torch.zeros(3, 3, 3, dtype=torch.float64)
    rule[0, 1, 2], rule[0, 0, 0], rule[2, 0, 2], rule[1, 1, 1] = 0.6, 0.4, 0.5, 0.2
    lex = torch.tensor([[0, 0, 0.3], [0.8, 0, 0.2], [0, 0.5, 0]], dtype=torch.float64)
    out = of(GRAMMAR, Word=torch.tensor(words), Rule=rule, Lex=lex)
    wanted = cyk(words, rule.tolist(), lex.tolist())
    assert bool(out["Parses"]) == (wanted > 0)
    torch.testing.assert_close(float(out["Score"]), wanted, rtol=1e-12, atol=0)


PRODUCTS = """
input P[x,x']
Best[x,z] max= P[x,z]
Best[x,z] max= Best[x,y] Best[y,z]
From[z] max= From[y] P[y,z]
From[0] = 1
output Best, From
"""


def most_probable(p):
    best = p.tolist()
    n = len(best)
    for k in range(n):
        for i in range(n):
            for j in range(n):
                best[i][j] = max(best[i][j], best[i][k] * best[k][j])
    return torch.tensor(best, dtype=torch.float64)


@pytest.mark.parametrize("seed", range(3))
def test_probabilities_are_multiplied_along_ways(seed):
    """Elements that nothing has reached are at -inf: their products are not reached either, whatever their number."""
    generator = torch.Generator().manual_seed(seed)
    p = torch.rand(7, 7, dtype=torch.float64, generator=generator)
    p[torch.rand(7, 7, generator=generator) > 0.4] = 0
    p.fill_diagonal_(0)
    p.requires_grad_()
    out = of(PRODUCTS, P=p)
    best = most_probable(p.detach())
    torch.testing.assert_close(out["Best"], best)
    torch.testing.assert_close(out["From"][1:], best[0, 1:])
    weight = torch.rand(7, dtype=torch.float64, generator=generator)
    (out["From"] * weight).sum().backward()
    assert torch.isfinite(p.grad).all()
    at = int(best[0, 1:].argmax()) + 1
    (eased,) = torch.autograd.grad(of(PRODUCTS, P=p)["From"][at], p)
    more = torch.where(eased != 0, (1 + 1e-7) * p.detach(), p.detach())
    slope = (of(PRODUCTS, P=more)["From"][at] - out["From"][at].detach()) / 1e-7
    assert float(slope) == pytest.approx(float((eased * p.detach()).sum()), rel=1e-4)


ROUND = "input W[x,x']\n{declared}D[x,z] {op} W[x,z]\nD[x,z] {op} {step}\noutput D\n"


def ring(n, total):
    """One way round through all nodes, of weights that sum to ``total``."""
    weights = torch.full((n, n), INF, dtype=torch.float64)
    for at in range(n):
        weights[at, (at + 1) % n] = 1.0
    weights[n - 1, 0] = total - (n - 1)
    return weights


@pytest.mark.parametrize(("step", "most"), [("D[x,y] + W[y,z]", 31), ("D[x,y] + D[y,z]", 901)])
@pytest.mark.parametrize("op", ["min=", "max="])
def test_a_way_round_that_improves_is_found_early(op, step, most):
    sign = 1 if op == "min=" else -1
    text = ROUND.format(declared="", op=op, step=step)
    with pytest.raises(tl.RunError, match=r"E0532.*still improves after") as told:
        of(text, W=sign * ring(30, -0.5))
    assert int(str(told.value).split("after ")[1].split()[0]) <= most
    assert "max 100000" not in str(told.value)


@pytest.mark.parametrize("step", ["D[x,y] + W[y,z]", "D[x,y] + D[y,z]"])
@pytest.mark.parametrize("total", [0.0, 1e-17, 3.0])
def test_the_longest_ways_that_end_are_no_alarm(step, total):
    weights = ring(30, total)
    found = of(ROUND.format(declared="", op="min=", step=step), W=weights)["D"]
    torch.testing.assert_close(found, floyd(weights))


@pytest.mark.parametrize("weight", [0.3, 0.5, 0.7])
def test_ways_round_whose_sums_are_rounded_are_no_alarm(weight):
    weights = ring(3, 0.0)
    weights[0, 1], weights[1, 2], weights[2, 0] = weight, 0.2, -(weight + 0.2)
    of(ROUND.format(declared="", op="min=", step="D[x,y] + W[y,z]"), W=weights)


def test_steps_that_are_no_sums_have_no_bound():
    """One element that counts up to a limit: more changes than there are elements."""
    text = "input W[x]\nD[x] max= W[x]\nD[x] max= min(D[x], 50) + 1\noutput D\n"
    assert of(text, W=torch.zeros(2, dtype=torch.float64))["D"].tolist() == [51, 51]
