"""Makes connectome.npz: which neuron of the left mushroom body of a fly larva has synapses onto which, and their kinds.

Needs graspologic's wheel, unpacked (`pip download --no-deps graspologic==3.4.4`, then unzip), as its first argument;
the example needs only connectome.npz.
"""

import sys
from pathlib import Path

import numpy as np

KINDS = ["K", "P", "O", "I"]  # Kenyon cells, projection neurons, output neurons, input neurons

folder = Path(sys.argv[1]) / "graspologic" / "datasets" / "drosophila"
synapses = np.loadtxt(folder / "left_adjacency.csv", dtype=int)
labels = np.loadtxt(folder / "left_cell_labels.csv", dtype=str)
sender, receiver = synapses.nonzero()
kind = np.array([KINDS.index(label) for label in labels])

# One neuron in five of each kind, rounded up, is shown with its kind; the others are asked for.
shown = np.zeros(len(kind), dtype=int)
draw = np.random.default_rng(0)
for each in range(len(KINDS)):
    mine = draw.permutation(np.flatnonzero(kind == each))
    shown[mine[: -(-len(mine) // 5)]] = 1
np.savez_compressed(
    Path(__file__).parent / "connectome.npz",
    edge=np.stack([sender, receiver], 1).astype(np.int16),
    count=synapses[sender, receiver].astype(np.int16),
    kind=kind.astype(np.int8),
    shown=shown.astype(np.int8),
)
