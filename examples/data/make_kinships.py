"""Makes kinships.npz: who calls whom by which term of kinship, as integers.

Needs pykeen's wheel, unpacked (`pip download --no-deps pykeen==1.11.1`, then unzip), as its first argument; the example
needs only kinships.npz.
"""

import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1]) / "pykeen" / "datasets" / "kinships"
parts = {}
for part in ("train", "valid", "test"):
    lines = [line.split("\t") for line in (folder / f"{part}.txt").read_text().splitlines()]
    parts[part] = [
        (int(head[len("person") :]), int(term[len("term") :]), int(tail[len("person") :])) for head, term, tail in lines
    ]
terms = sorted({term for triples in parts.values() for _, term, _ in triples})  # 25: one number is never used
arrays = {
    part: np.array([(head, terms.index(term), tail) for head, term, tail in triples], dtype=np.int8)
    for part, triples in parts.items()
}
np.savez_compressed(Path(__file__).parent / "kinships.npz", **arrays)
