"""Hidden Markov models compute what hmmlearn computes (recorded numbers), and what a sum over all paths does."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import tensorlang as tl
from tensorlang.backends.torch_module import build
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source
from tensorlang.stages import planned

FROZEN = json.loads((Path(__file__).parent / "frozen" / "hmmlearn.json").read_text())
PROGRAM = """
import hmm
dim v
input P[s], A[s,s'], B[s,v], M[s,d], C[s,d]
input Y[n,t] in v
input X[n,t,d]
E = hmm.Discrete(Y, B)
G = hmm.Posterior(E, P, A)
N = hmm.Pairs(E, P, A)
Likelihood = hmm.LogLikelihood(E, P, A)
Best = hmm.ViterbiScore(E, P, A)
Path = hmm.Viterbi(E, P, A)
PathBest = hmm.PathScore(E, P, A, Path)
NewP = hmm.Start(G)
NewA = hmm.Transitions(N)
NewB = hmm.Emissions(G, Y, v=4)
E' = hmm.Gaussian(X, M, C)
G' = hmm.Posterior(E', P, A)
N' = hmm.Pairs(E', P, A)
Likelihood' = hmm.LogLikelihood(E', P, A)
NewP' = hmm.Start(G')
NewA' = hmm.Transitions(N')
NewM = hmm.Means(G', X)
NewC = hmm.Variances(G', X, NewM)
output G, N, Likelihood, Best, Path, PathBest, NewP, NewA, NewB
output G', N', Likelihood', NewP', NewA', NewM, NewC
"""
WANTED = {
    "Likelihood": "likelihood",
    "G": "posterior",
    "Best": "best",
    "PathBest": "best",
    "Path": "path",
    "NewP": "start",
    "NewA": "transitions",
    "NewB": "emissions",
    "Likelihood'": "gaussian likelihood",
    "G'": "gaussian posterior",
    "NewP'": "gaussian start",
    "NewA'": "gaussian transitions",
    "NewM": "means",
    "NewC": "variances",
}


@pytest.fixture(scope="module")
def found():
    values = {name: np.log(FROZEN[name]) for name in ("P", "A", "B")}
    values |= {name: np.array(FROZEN[name]) for name in ("M", "C", "X", "Y")}
    return tl.compile(PROGRAM, dtype="float64")(**values)


@pytest.mark.parametrize("name", WANTED)
def test_it_is_what_hmmlearn_computes(found, name):
    value = found[name].numpy()
    ours = np.exp(value) if name.startswith(("NewP", "NewA", "NewB")) else value
    np.testing.assert_allclose(ours, FROZEN[WANTED[name]], atol=1e-9)


# --- against all paths ---------------------------------------------------------------------------------------------

FORWARDS = """
import hmm
input L[..., t, s], P[s], A[s,s']
"""


def small(batch, time=4, states=3):
    generator = torch.Generator().manual_seed(7)
    draw = lambda *shape: torch.rand(*shape, generator=generator, dtype=torch.float64) + 0.1  # noqa: E731
    start, moves = draw(states), draw(states, states)
    return draw(*batch, time, states), start / start.sum(), moves / moves.sum(1, keepdim=True)


def joint(seen, start, moves, path):
    """The probability of one path together with the observations of one sequence."""
    value = start[path[0]] * seen[0, path[0]]
    for t in range(1, len(path)):
        value = value * moves[path[t - 1], path[t]] * seen[t, path[t]]
    return value


def paths(seen):
    return list(itertools.product(range(seen.shape[1]), repeat=seen.shape[0]))


def program(text, axes):
    return tl.compile(f"import hmm\ninput L[{axes}t,s], P[s], A[s,s']\n{text}\noutput Y", dtype="float64")


LOGS = "E[..., t, s] = log(L[..., t, s])\nP'[s] = log(P[s])\nA'[s,s'] = log(A[s,s'])\n"


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)], ids=str)
def test_the_likelihood_is_the_sum_over_all_paths_and_so_are_its_gradients(batch):
    axes = "".join(f"{name}," for name in "bc"[: len(batch)])
    ours = [value.requires_grad_() for value in small(batch)]
    theirs = [value.detach().clone().requires_grad_() for value in ours]
    y = program(LOGS + "Y = hmm.LogLikelihood(E, P', A')", axes)(L=ours[0], P=ours[1], A=ours[2])["Y"]
    rows = theirs[0].reshape(-1, *theirs[0].shape[-2:])
    wanted = torch.stack([sum(joint(row, *theirs[1:], path) for path in paths(row)) for row in rows]).log()
    torch.testing.assert_close(y.flatten(), wanted)
    y.sum().backward()
    wanted.sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_the_scaled_recursion_gives_the_same_likelihood_and_gradients():
    ours = [value.requires_grad_() for value in small((2,), time=9)]
    theirs = [value.detach().clone().requires_grad_() for value in ours]
    scaled = program("F = hmm.Forward(L, P, A)\nY[b] = sum[t](log(F.Scale[b,t]))", "b,")
    logs = program(LOGS + "Y = hmm.LogLikelihood(E, P', A')", "b,")
    for run, values in ((scaled, ours), (logs, theirs)):
        run(L=values[0], P=values[1], A=values[2])["Y"].sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_filtered_states_are_those_given_the_observations_so_far():
    seen, start, moves = small(())
    y = program("Y = hmm.Forward(L, P, A)", "")(L=seen, P=start, A=moves)["Y"]
    for t in range(len(seen)):
        weights = torch.zeros(seen.shape[1], dtype=torch.float64)
        for path in paths(seen[: t + 1]):
            weights[path[-1]] += joint(seen, start, moves, path)
        torch.testing.assert_close(y[t], weights / weights.sum())


@pytest.mark.parametrize("batch", [(), (2,)], ids=str)
def test_posteriors_pairs_and_the_best_path_are_those_of_all_paths(batch):
    seen, start, moves = small(batch)
    axes = "b," if batch else ""
    posterior, pairs, path = (
        program(f"{LOGS}Y = hmm.{name}(E, P', A')", axes)(L=seen, P=start, A=moves)["Y"]
        for name in ("Posterior", "Pairs", "Viterbi")
    )
    for at, row in enumerate(seen.reshape(-1, *seen.shape[-2:])):
        weights = {way: joint(row, start, moves, way) for way in paths(row)}
        total = sum(weights.values())
        single, double = torch.zeros_like(row), torch.zeros(len(row), *moves.shape, dtype=torch.float64)
        for way, weight in weights.items():
            for t, state in enumerate(way):
                single[t, state] += weight / total
            for t in range(1, len(way)):
                double[t, way[t - 1], way[t]] += weight / total
        torch.testing.assert_close(posterior.reshape(-1, *row.shape)[at], single)
        torch.testing.assert_close(pairs.reshape(-1, *double.shape)[at], double)
        assert tuple(path.reshape(-1, len(row))[at].tolist()) == max(weights, key=weights.get)


def test_behind_the_end_zeros_leave_the_likelihood_and_the_states_before():
    seen, start, moves = small((), time=6)
    seen[4:] = 1
    text = LOGS + "Y = hmm.LogLikelihood(E, P', A')"
    short, long = (program(text, "")(L=part, P=start, A=moves)["Y"] for part in (seen[:4], seen))
    torch.testing.assert_close(short, long)
    text = LOGS + "Y = hmm.Posterior(E, P', A')"
    short, long = (program(text, "")(L=part, P=start, A=moves)["Y"] for part in (seen[:4], seen))
    torch.testing.assert_close(short, long[:4])


def test_steps_of_baum_welch_never_make_the_data_less_likely():
    values = {name: np.log(FROZEN[name]) for name in ("P", "A", "B")} | {"Y": np.array(FROZEN["Y"])}
    step = tl.compile(
        "import hmm\ndim v\ninput P[s], A[s,s'], B[s,v]\ninput Y[n,t] in v\nE = hmm.Discrete(Y, B)\n"
        "G = hmm.Posterior(E, P, A)\nN = hmm.Pairs(E, P, A)\nL = hmm.LogLikelihood(E, P, A)\n"
        "P' = hmm.Start(G)\nA' = hmm.Transitions(N)\nB' = hmm.Emissions(G, Y, v=4)\noutput P', A', B', L",
        dtype="float64",
    )
    seen = []
    for _ in range(8):
        result = step(**values)
        seen.append(result["L"].sum().item())
        values |= {name: result[f"{name}'"] for name in ("P", "A", "B")}
    assert all(after >= before - 1e-12 for before, after in itertools.pairwise(seen))
    assert seen[-1] > seen[0] + 0.5


@pytest.mark.parametrize("name", ["LogLikelihood", "Posterior", "Pairs", "Viterbi", "ViterbiScore"])
def test_the_modules_script(name):
    text = f"import hmm\ninput L[b,t,s], P[s], A[s,s']\n{LOGS}Y = hmm.{name}(E, P', A')\noutput Y"
    seen, start, moves = small((2,))
    checked = check(Source("test.tl", text), Options())
    checked.problems.raise_errors()
    generated = build(planned(checked.program, checked.program.outputs))
    values = [value.float() for value in (seen, start, moves)]
    scripted = torch.jit.script(generated.model({}))(*values)
    wanted = tl.compile(text)(L=values[0], P=values[1], A=values[2])["Y"]
    torch.testing.assert_close(scripted, wanted)


def test_baum_welch_as_a_recurrence_over_its_iterations():
    """The recursions over positions stand inside of that over iterations, and so does a batch of models."""
    text = (
        "import hmm\ndim v = 4, k = 3, c = 2\ninput P0[c,s], A0[c,s,s'], B0[c,s,v]\ninput Y[n,t] in v\n"
        "E[k,c,n,t,s] = hmm.Discrete[k,c](Y, B[k,c])[n,t,s]\n"
        "G[k,c,n,t,s] = hmm.Posterior[k,c](E[k,c], P[k,c], A[k,c])[n,t,s]\n"
        "N[k,c,n,t,s,s'] = hmm.Pairs[k,c](E[k,c], P[k,c], A[k,c])[n,t,s,s']\n"
        "P[k+1,c] = hmm.Start[k,c](G[k,c])\nA[k+1,c] = hmm.Transitions[k,c](N[k,c])\n"
        "B[k+1,c] = hmm.Emissions[k,c](G[k,c], Y, v=4)\n"
        "P[0,c,s] = P0[c,s]\nA[0,c,s,s'] = A0[c,s,s']\nB[0,c,s,v] = B0[c,s,v]\noutput P, A, B"
    )
    first = {name: np.log(FROZEN[name]) for name in ("P", "A", "B")}
    turned = {"P": first["P"][[1, 2, 0]], "A": first["A"][[1, 2, 0]][:, [1, 2, 0]], "B": first["B"][[1, 2, 0]]}
    given = {f"{name}0": np.stack([first[name], turned[name]]) for name in first}
    found = tl.compile(text, dtype="float64")(**given, Y=np.array(FROZEN["Y"]))
    for name, wanted in (("P", "start"), ("A", "transitions"), ("B", "emissions")):
        np.testing.assert_allclose(np.exp(found[name][1, 0].numpy()), FROZEN[wanted], atol=1e-9)
        after = found[name][3].numpy()
        back = after[1][[2, 0, 1]]
        np.testing.assert_allclose(after[0], back[:, [2, 0, 1]] if name == "A" else back, atol=1e-7)
