"""tensorlang inside an ordinary PyTorch program: a compiled module in a training loop, a function, a session.

Run it with ``python examples/from_python.py``.
"""

import torch

import tensorlang as tl

# A program is compiled to a torch.nn.Module. Its parameters are ordinary ones, so any optimiser trains them.
program = tl.compile(
    """
    input X[b,i], T[b]
    dim h = 16
    param W[h,i], B[h] ~ zeros(), V[h]
    Y[b] = V[h] tanh(W[h,i] X[b,i] + B[h])
    Loss = (Y[b] - T[b])^2 / |b|
    output Y, Loss
    """,
    dims={"i": 2},
)
print("inputs:", ", ".join(program.inputs), " outputs:", ", ".join(program.outputs))

torch.manual_seed(0)
x = torch.randn(256, 2)
target = x[:, 0] * x[:, 1]
optimiser = torch.optim.Adam(program.parameters(), lr=0.02)
for _ in range(400):
    loss = program(X=x, T=target)["Loss"]
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
print("learned the product of two numbers:", loss.item() < 0.02)

# A module is part of a larger network like any other.
network = torch.nn.ModuleDict({"head": program, "tail": torch.nn.Linear(1, 1)})
print("parameters of the larger network:", sum(p.numel() for p in network.parameters()))

# A function of its inputs, in the order in which they are declared. Tensors and numpy arrays both will do.
matvec = tl.function("input A[i,j]\ninput x[j]\noutput y\ny[i] = A[i,j] x[j]")
print("A x =", matvec(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, -1.0])).tolist())

# A session grows statement by statement, as the REPL does.
session = tl.Session()
session.run("A = [[1, 2], [3, 4]]")
session.run("Trace = A[i,i]")
print("trace:", float(session["Trace"]))

# A wrong program is an exception whose text is the message that the command line shows.
try:
    tl.compile("input X[i]\nS = exp(X[i])")
except tl.CompileError as error:
    print("refused:", error.diagnostics[0].message)
