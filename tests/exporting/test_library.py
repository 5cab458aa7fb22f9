"""Every module of the library exports, to both formats, and computes there what it computes here, at several sizes.

One program for each file of the library, which applies all its modules: a module without a call fails the first test.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import tensorlang as tl
from tensorlang.diagnostics import Problems
from tensorlang.source import Source
from tensorlang.syntax import ast
from tensorlang.syntax.parse import parse

LIBRARY = Path(__file__).parent.parent.parent / "stdlib"

_SEQUENCE = "input X[b,t,i]\ndim i = 3\n"
_STEPS = "dim i = 3, d = 4\ninput X[b,i], S[b,d], Adj0[n,n'], F[n,i]\nAdj[n,n'] = abs(Adj0[n,n'])\n"
_QKV = "input Q[b,t,d], K[b,t,d], V[b,t,e], R0[b,t], G0[b,t]\nR[b,t] = sig(R0[b,t])\nG[b,t] = sig(G0[b,t])\n"
_HEADS = "input QH[b,h,t,d], KH[b,h,t,d], VH[b,h,t,e]\ndim h = 2, d = 3, e = 2\n"
_PAIRS = (
    "input U[b,i,s], W0[i,j,s,s'], A0[i,j]\ndim s = 2\n"
    "W[i,j,s,s'] = (W0[i,j,s,s'] + W0[j,i,s',s]) / 50\nA[i,j] = 1 if i == j + 1 or j == i + 1 else 0 * A0[i,j]\n"
)
_HIDDEN = (
    "dim s = 3, v = 4, d = 2\ninput Y[b,t] in v, O[b,t,d], E[b,t,s], P0[s]\n"
    "input A0[s,s'], B0[s,v], M[s,d], V0[s,d], Z[b,t] in s\n"
    "P[s] = log_softmax[s](P0[s])\nA[s,s'] = log_softmax[s'](A0[s,s'])\nB[s,v] = log_softmax[v](B0[s,v])\n"
    "V[s,d] = exp(V0[s,d])\nL[b,t,s] = exp(E[b,t,s])\nCount[b,t,s] = softmax[s](E[b,t,s])\n"
    "Pair[b,t,s,s'] = exp(E[b,t,s] - E[b,t,s'])\n"
)
_SYSTEM = (
    "dim i = 3, m = 4\ninput M[m,i], B[b,m], C[b,i], L[b,i,i'], S[b], V0[b,i]\n"
    "A[i,i'] = (M[m,i] M[m,i']) / 20 + (i == i')\nN[m,i] = M[m,i] / 10\nT[i] = 0.1 + 0 * A[i,i]\n"
    "Guess[b,i] = 1 + V0[b,i]^2\nStart[b] = 1 + S[b]^2\n"
    "def Square(Z[...]) -> Y[...]:\n    Y[...] = Z[...]^2 - 2\n"
    "def Double(Z[...]) -> Y[...]:\n    Y[...] = 2 Z[...]\n"
    "def Draw(Z[..., d], X[..., d]) -> Y[..., d]:\n"
    "    param W[d,d'] ~ glorot(0.3)\n    Y[..., d] = tanh(W[d,d'] Z[..., d']) + X[..., d]\n"
)

# By the library's file: what stands in front, and the arguments of each module.
CALLS: dict[str, tuple[str, dict[str, str]]] = {
    "activation": (
        "input X[b,i]\ndim i = 4\n",
        dict.fromkeys(("GLU", "ReGLU", "GEGLU", "SwiGLU", "Bilinear", "PReLU", "Swish", "Mish", "SquaredReLU"), "X")
        | {"PolyReLU": "X, p=4", "PolyNorm": "X, p=3", "Quadratic": "X, o=2"},
    ),
    "attention": (
        "input X[b,t,m], Memory[b,s,n], Q[b,t,k], K[b,s,k], V[b,s,v], KT[b,t,k], VT[b,t,v]\n"
        "input Image[b,x,y,m], Stored[s,m]\ndim m = 4, n = 3\n",
        {
            "Attend": "Q, K, V", "AttendCausal": "Q, KT, VT", "MultiHead": "X, Memory, h=2, k=3",
            "Causal": "X, h=2, k=3", "GroupedQuery": "X, g=2, r=2, k=3", "Sinusoidal": "X", "Rotary": "X",
            "Hopfield": "X, Stored, beta=2", "HopfieldLayer": "X, Memory, k=3, o=2", "Kronecker": "Image, k=3",
        },
    ),
    "conv": (
        "input S[b,i,x], I[b,i,x,y], V[b,i,x,y,z]\ndim i = 3, x = 8, y = 7, z = 5\n",
        {
            "Conv1d": "S, o=2, k=3", "Conv2d": "I, o=2, kx=3, ky=2", "Conv3d": "V, o=2, kx=3, ky=2, kz=2",
            "Same2d": "I, o=2, k=3", "Same1d": "S, o=2, k=3", "Strided2d": "I, o=2, k=3, stride=2",
            "Depthwise2d": "I, k=3", "Pointwise2d": "I, o=2", "Separable2d": "I, o=2, k=3", "NiN": "I, o=2, k=3",
            "Residual2d": "I, k=3", "ResidualNorm2d": "I", "BatchNorm1d": "S", "BatchNorm2d": "I", "BatchNorm3d": "V",
            "GroupNorm2d": "I, groups=3", "InstanceNorm2d": "I", "Dropout2d": "I", "MaxPool1d": "S, s=2",
            "AvgPool1d": "S, s=2", "MaxPool3d": "V, s=2", "AvgPool3d": "V, s=2",
            "MaxPool2d": "I, s=2", "AvgPool2d": "I, s=2", "GlobalPool2d": "I",
        },
    ),
    "graph": (
        "dim i = 3, g = 2, f = 2\ninput X[n,i], Weight[n,n'], Part[n] in g, E[n,n',f]\nEdge(n,n') = Weight[n,n'] > 0\n",
        {
            "GCN": "X, Edge, o=2", "SAGE": "X, Edge, o=2", "SAGEMax": "X, Edge, h=4, o=2",
            "GIN": "X, Edge, hidden=4, o=2", "SIR": "X, Edge, h=4, o=2",
            "EdgeConditioned": "X, Edge, E, hidden=4, o=2", "GAT": "X, Edge, k=2, o=3", "GATv2": "X, Edge, k=2, o=3",
            "Transformer": "X, Edge, k=2, o=3",
            "Monoid": "X, Edge, levels=3, d=2", "MeanPool": "X, Part, g=2", "SumPool": "X, Part, g=2",
            "MaxPool": "X, Part, g=2", "AttentionPool": "X, Part, g=2", "TopK": "X, Part, g=2",
        },
    ),
    "graph_features": (
        "dim i = 3, k = 2\ninput X[n,i], Edge[n,n'], V[n,k], L[k], T[n,n',i]\n",
        {
            "RandomWalk": "Edge, steps=3", "SPE": "V, L, m=2, h=4, o=3", "SignNet": "V, h=4, o=3", "Pairs": "X, Edge",
            "PPGN": "T, h=4, o=2", "Polynomials": "Edge",
        },
    ),
    "graph_typed": (
        "dim i = 4, r = 3, t = 2\ninput X[n,i], Weight[r,n,n'], Type[n] in t\nEdge(r,n,n') = Weight[r,n,n'] > 0\n",
        {
            "RGCN": "X, Edge, o=2", "RGCNBasis": "X, Edge, b=2, o=2", "RGAT": "X, Edge, k=2, o=3",
            "HGT": "X, Type, Edge, types=2, k=2, o=2",
        },
    ),
    "graphical": (
        _PAIRS + "dim r = 4, k = 2, v = 3\ninput Leaf[b,r] in v, Ev[b,r,k]\nLeft[l,r] = 2 r if r < 2 - l else -1\n"
        "Right[l,r] = 2 r + 1 if r < 2 - l else -1\ndim l = 2\n",
        dict.fromkeys(("Messages", "Beliefs", "PairBeliefs", "BetheLogZ", "MaxMessages", "Decode"), "U, W, A")
        | {"Leaves": "Leaf, k=2, v=3", "Circuit": "Ev, Left, Right"},
    ),
    "hmm": (
        _HIDDEN,
        {
            "Discrete": "Y, B", "Gaussian": "O, M, V", "Forward": "L, P, A", "LogForward": "E, P, A",
            "LogBackward": "E, A", "LogLikelihood": "E, P, A", "Posterior": "E, P, A", "Pairs": "E, P, A",
            "ViterbiScore": "E, P, A", "Viterbi": "E, P, A", "PathScore": "E, P, A, Z", "Start": "Count",
            "Transitions": "Pair", "Emissions": "Count, Y, v=4", "Means": "Count, O", "Variances": "Count, O, M",
        },
    ),
    "implicit": (
        _STEPS,
        {
            "DEQ": "X, h=4", "ReluDEQ": "X, h=4", "GraphDEQ": "F, Adj, h=4", "Propagate": "F, Adj", "PageRank": "Adj",
        },
    ),
    "kernels": (
        "dim i = 3, n = 4\ninput X[n,i], T[n], Z[m,i]\n",
        {
            "Linear": "X, Z", "Polynomial": "X, Z, offset=1, degree=2", "Gaussian": "X, Z, variance=2",
            "Laplace": "X, Z, width=2", "RandomFeatures": "X, d=5, variance=2", "Machine": "X, T, Z, variance=2",
            "Ridge": "X, T, Z, variance=2, ridge=0.5",
        },
    ),
    "kg": (
        "dim v = 5, r = 3, k\ninput Head[b] in v, Rel[b] in r, Tail[b] in v, S[b,v], Right[b], Wrong[b,k], U[r,v,v']\n"
        "input Place[b]\nFact[r,v,v'] = U[r,v,v'] > 0\nKnown(b,v) = S[b,v] > 1\nRanks[b] = 1 + Place[b]^2\n",
        dict.fromkeys(("TransE", "DistMult", "ComplEx", "RotatE", "RESCAL"), "Head, Rel, v=5, r=3, d=4")
        | {
            "TuckER": "Head, Rel, v=5, r=3, d=4, k=2", "Rules": "Head, Rel, Fact", "OneToAll": "S, Tail",
            "Margin": "Right, Wrong", "Logistic": "Right, Wrong", "SelfAdversarial": "Right, Wrong",
            "Rank": "S, Tail, Known", "MRR": "Ranks", "Hits": "Ranks, k=2",
        },
    ),
    "family": (
        "input U[n,n']\ndim n = 6\nParent(n,n') = U[n,n'] > 0.7 and n < n'\n",
        dict.fromkeys(
            ("Sibling", "FullSibling", "Grandparent", "Ancestor", "AuntOrUncle", "Cousin", "BloodRelative"), "Parent"
        ),
    ),
    "logic": (
        "input A0[b,x], B0[b,x], U[x,x'], V[x], Emb[x,d], M[d,d']\ndim x = 5, d = 3\n"
        "A[b,x] = sig(A0[b,x])\nB[b,x] = sig(B0[b,x])\nR(x,x') = U[x,x'] > 1\nS[d] = Emb[x,d]\n",
        dict.fromkeys(("And", "Or", "AndBounded", "OrBounded", "AndLeast", "OrMost", "Implies"), "A, B")
        | {
            "ImpliesBounded": "A, B", "ForAll": "A", "Exists": "A", "Decide": "A, temperature=0.2",
            "Reach": "R", "SameGeneration": "R",
            "Superpose": "V, Emb", "Members": "S, Emb", "Embed": "R, Emb", "Retrieve": "M, Emb", "Compose": "M, M",
            "Analogy": "R, R, Emb, temperature=0.2", "Invent": "r=2, x=4, p=3",
        },
    ),
    "loss": (
        "dim c = 3\ninput Y[b,c], T[b,c], N[b,c], Label[b] in c, P0[b], Yes[b]\nP[b] = sig(P0[b])\n"
        "True[b] = Yes[b] > 0\nBool[b,c] = T[b,c] > 0\n",
        {
            "MSE": "Y, T", "MAE": "Y, T", "Huber": "Y, T, delta=1", "CrossEntropy": "Y, Label",
            "SmoothCrossEntropy": "Y, Label, smooth=0.1", "BinaryCrossEntropy": "Y, Bool", "Focal": "Y, Bool, gamma=2",
            "Hinge": "Y, T", "Triplet": "Y, T, N, margin=1", "Contrastive": "Y, T, temperature=0.5",
            "BarlowTwins": "Y, T, weight=0.1", "AnyLossF": "P, True, steep=10",
        },
    ),
    "memory": (
        _SEQUENCE + "input Pattern[p,i], State[b,i]\n",
        {
            "Hopfield": "Pattern, State, steps=4", "Modern": "Pattern, State, beta=2, steps=2", "Titan": "X, d=4, o=2",
            "FastWeights": "X, d=4, o=2", "Choice": "X", "Slots": "X, s=3, d=4",
        },
    ),
    "motifs": (
        "input Weight[n,n']\nEdge(n,n') = (Weight[n,n'] > 0 or Weight[n',n] > 0) and n != n'\n",
        dict.fromkeys(("Wedges", "Triangles", "Squares", "Clustering", "Orbits", "Graphlets"), "Edge"),
    ),
    "networks": (
        "dim n = 5, l = 2, s = 2, r = 2\ninput M[n,l,s,r'], Pixel[b,n], A[i,r], B[j,r], C[k,r], G[p,q,u]\n"
        "dim r' = 2, p = 2, q = 2, u = 2\ninput AT[i,p], BT[j,q], CT[k,u], Grid[b,x,y]\ndim x = 3, y = 4\n",
        {
            "MPSNorm": "M", "MPSClassifier": "Pixel, bond=3, c=2", "CP": "A, B, C", "Tucker": "G, AT, BT, CT",
            "TuckerLinear": "Grid, o=2, p=3, rank=2", "TTLinear": "Grid, o=2, p=3, rank=2",
        },
    ),
    "nn": (
        "dim i = 3, v = 7\ninput X[b,i], Tok[b] in v\n",
        {
            "Linear": "X, o=2", "Project": "X, o=2", "MLP": "X, hidden=4, o=2", "MLP2": "X, hidden=16, o=2",
            "LayerNorm": "X", "RMSNorm": "X", "BatchNorm": "X", "Dropout": "X, p=0.3", "Embedding": "Tok, v=7, d=3",
        },
    ),
    "ode": (
        "dim d = 3\ninput X[b,d]\n",
        dict.fromkeys(("Euler", "Midpoint", "Heun", "RK4"), "ode.Field(hidden=4), X, steps=3")
        | {"Field": "X, hidden=4", "NeuralODE": "X, hidden=4, steps=3"},
    ),
    "operators": (
        "dim i = 2, s = 4, d = 2, x = 12\ninput U[b,i,x], Sensor[b,s], Place[q,d]\n",
        {
            "Spectral1d": "U, o=3, modes=3", "Fourier1d": "U, modes=3", "Step1d": "U, modes=3",
            "FNO1d": "U, width=4, modes=3, layers=2, o=1", "DeepONet": "Sensor, Place, hidden=4, features=3",
        },
    ),
    "paths": (
        "dim n = 5, r = 2\ninput Source[b] in n, Query[b] in r, Weight[r,n,n'], Size[n,n']\n"
        "Fact(r,n,n') = Weight[r,n,n'] > 0\nEdge(n,n') = Weight[0,n,n'] > 0\nW[n,n'] = sig(Size[n,n'])\n",
        dict.fromkeys(("Shortest", "MostProbable", "Widest"), "Source, Edge, W")
        | {"Walks": "Source, Edge, W, steps=3", "NBFNet": "Source, Query, Fact, d=3, steps=2"},
    ),
    "propagation": (
        "dim i = 3\ninput X[n,i], Weight[n,n']\nEdge(n,n') = Weight[n,n'] > 0\n",
        {
            "Spread": "X, Edge", "APPNP": "X, Edge, steps=3", "DAGNN": "X, Edge, steps=3",
            "LightGCN": "X, Edge, steps=3", "LTGNN": "X, Edge", "ConvergentSolver": "X, Edge, k=2, h=4, o=3",
        },
    ),
    "recommend": (
        "dim u = 4, v = 5, k\ninput User[b] in u, Item[b] in v, Weight[u,v], Right[b], Wrong[b,k]\n"
        "Liked(u,v) = Weight[u,v] > 0\n",
        {
            "Factors": "User, Item, u=4, v=5, d=3", "NeuMF": "User, Item, u=4, v=5, d=3, h=4, o=2",
            "LightGCN": "Liked, d=3, steps=2", "BPR": "Right, Wrong",
        },
    ),
    "recurrent": (_SEQUENCE, dict.fromkeys(("RNN", "GRU", "LSTM"), "X, h=4")),
    "sheaf": (
        "dim a = 2, f = 3, b = 2\ninput X[n,a,f], Weight[n,n'], Own[n,n',b,a], O[n,n',a,a']\n"
        "Edge(n,n') = (Weight[n,n'] > 0 or Weight[n',n] > 0) and n != n'\nOther[n,n',b,a] = Own[n',n,b,a]\n",
        dict.fromkeys(("General", "Diagonal", "Orthogonal"), "X, Edge")
        | {"Laplacian": "X, Own, Other, Edge", "Connection": "X, O, Edge, step=0.5"},
    ),
    "simplicial": (
        "dim i = 3\ninput X[n,i], E[n,e], T[n,t], F[e,i], Up[e,t]\nEdge(n,e) = E[n,e] > 0\n"
        "Triangle(n,t) = T[n,t] > 0\n",
        {
            "Petal": "X, Edge", "Filter": "X, Edge, steps=2, h=4", "HiGCN": "X, Edge, Triangle, steps=2, h=4, o=3",
            "Hodge": "F, E, Up, o=2",
        },
    ),
    "solvers": (
        _SYSTEM,
        {
            "GradientDescent": "N, B, steps=3", "ConjugateGradient": "A, C, steps=2",
            "Newton": "Square, Double, Start, steps=3", "Inverse": "L, steps=2", "PowerIteration": "A, Guess, steps=3",
            "Shrink": "C, T", "ISTA": "N, B, steps=3", "Lasso": "N, B", "LISTA": "B, i=5, steps=3",
            "Sinkhorn": "L, steps=3", "FixedPoint": "Draw, C",
        },
    ),
    "spiking": (
        _SEQUENCE,
        {"Spike": "X", "LIF": "X", "LIFToZero": "X, rest=2", "ALIF": "X", "Layer": "X, h=4", "Recurrent": "X, h=4",
         "Readout": "X, o=2"},
    ),
    "ssm": (
        _SEQUENCE + _QKV + _HEADS + "input Film[b,t,i,y,x]\ndim y = 5, x = 4\n",
        {
            "S5": "X, n=4, o=2", "S4D": "X, n=4", "Decaying": "X, n=4, o=2", "ConvSSM": "Film, n=2, o=2",
            "ConvS5": "Film, n=2, o=2", "MinGRU": "X, h=4", "MinLSTM": "X, h=4", "LinearAttention": "Q, K, V",
            "LinearAttentionPairs": "Q, K, V", "Retention": "QH, KH, VH", "RetentionPairs": "QH, KH, VH",
            "DeltaRule": "Q, K, V, R", "GatedDeltaRule": "Q, K, V, R, G",
        },
    ),
    "transformer": (
        "dim m = 6, t = 5, v = 7, c = 2, x = 6, y = 4\ninput X[b,t,m], Tok[b,t] in v, Memory[b,s,n], Image[b,c,x,y]\n"
        "dim n = 4\n",
        {
            "FeedForward": "X, f=8", "ReluFeedForward": "X, f=8", "GatedFeedForward": "X, f=8",
            "EncoderBlock": "X, h=2, k=3, f=8", "DecoderBlock": "X, h=2, k=3, f=8, p=0.1",
            "CrossDecoderBlock": "X, Memory, h=2, k=3, f=8", "PostEncoderBlock": "X, h=2, k=3, f=8",
            "PostDecoderBlock": "X, Memory, h=2, k=3, f=8, p=0.1", "CrossDecoder": "X, Memory, layers=2, h=2, k=3, f=8",
            "ViT": "Image, patch=2, layers=2, h=2, k=3, m=6, f=8, o=3, p=0.1",
            "Encoder": "X, layers=2, h=2, k=3, f=8", "Decoder": "X, layers=2, h=2, k=3, f=8",
            "GPT": "Tok, v=7, layers=2, h=2, k=3, m=6, f=8",
        },
    ),
}  # fmt: skip


def modules(path: Path) -> set[str]:
    problems = Problems()
    file = parse(Source(path.name, path.read_text()), problems)
    problems.raise_errors()
    return {statement.name for statement in file.statements if isinstance(statement, ast.Def)}


def program(name: str) -> str:
    head, calls = CALLS[name]
    lines = [f"Of{module} = {name}.{module}({given})" for module, given in calls.items()]
    outputs = ", ".join(f"Of{module}" for module in calls)
    return "\n".join((f"import {name}", head, *lines, f"output {outputs}", ""))


def test_no_module_is_missing() -> None:
    assert {path.stem: modules(path) for path in LIBRARY.glob("*.tl")} == {
        name: set(calls) for name, (_, calls) in CALLS.items()
    }


@pytest.mark.parametrize("ending", ["pt", "py"])
@pytest.mark.parametrize("name", CALLS)
def test_every_module_exports(name: str, ending: str, tmp_path: Path) -> None:
    made = tl.compile(program(name))
    written = made.export(tmp_path / f"model.{ending}", check=True)
    assert [tensor.name for tensor in written.outputs] == [f"Of{module}" for module in CALLS[name][1]]


def test_a_trial_of_what_is_random_changes_no_later_draws(tmp_path: Path) -> None:
    text = "import memory\ninput X[b,i]\nY = memory.Choice(X)\noutput Y\n"
    given = torch.zeros(50, 9)
    one, two = tl.compile(text), tl.compile(text)
    two.export(tmp_path / "choice.pt", check=True)
    assert torch.equal(one(X=given)["Y"], two(X=given)["Y"])
    loaded = torch.jit.load(tmp_path / "choice.pt")
    assert not torch.equal(loaded(given), loaded(given))
