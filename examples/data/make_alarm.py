"""Makes alarm.npz: the tables of the ALARM network, and what pgmpy answers to the questions of ../bayes_net.tl.

Needs pgmpy 1.1.2, which ships the network; the examples need only alarm.npz.
"""

import gzip
from pathlib import Path

import numpy as np
import pgmpy
from pgmpy.inference import VariableElimination
from pgmpy.readwrite import BIFReader

ASKED = [
    "HYPOVOLEMIA",
    "LVFAILURE",
    "ANAPHYLAXIS",
    "INSUFFANESTH",
    "PULMEMBOLUS",
    "INTUBATION",
    "KINKEDTUBE",
    "DISCONNECT",
]
CASES = [
    {},
    {"HISTORY": "TRUE", "CVP": "HIGH", "PCWP": "HIGH", "BP": "LOW", "HRBP": "HIGH"},
    {"CVP": "LOW", "PCWP": "LOW", "BP": "LOW", "HRBP": "HIGH"},
    {"HREKG": "HIGH", "EXPCO2": "LOW", "MINVOL": "LOW", "SAO2": "LOW", "PRESS": "HIGH"},
    {"BP": "LOW", "SAO2": "LOW", "PAP": "HIGH", "PRESS": "NORMAL"},
]

file = Path(pgmpy.__file__).parent / "utils" / "example_models" / "alarm.bif.gz"
network = BIFReader(string=gzip.decompress(file.read_bytes()).decode()).get_model()
tables = {node: network.get_cpds(node) for node in network.nodes}
arrays = {node: table.values for node, table in tables.items()}  # the node first, then its parents
engine = VariableElimination(network)
arrays["answer"] = np.array(
    [[engine.query([node], evidence=case, show_progress=False).values[0] for node in ASKED] for case in CASES]
)
np.savez_compressed(Path(__file__).parent / "alarm.npz", **arrays)
