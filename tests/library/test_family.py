"""Rules of families against sets: over a relation that is told, and over one that is given with the call."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tensorlang as tl

PEOPLE = 14


def parents(seed: int) -> set[tuple[int, int]]:
    """Up to two parents for each, older than their child."""
    draw = np.random.default_rng(seed)
    found = set()
    for child in range(3, PEOPLE):
        found |= {(int(p), child) for p in draw.choice(child, size=min(2, child), replace=False) if draw.random() < 0.9}
    return found


def expected(pairs: set[tuple[int, int]]) -> dict[str, set[tuple[int, int]]]:
    everyone = range(PEOPLE)
    of = {c: {p for p, child in pairs if child == c} for c in everyone}
    above = {c: set(of[c]) for c in everyone}
    for c in everyone:  # parents are older, so theirs are complete
        above[c] |= {a for p in of[c] for a in above[p]}
    both = [(x, y) for x in everyone for y in everyone if x != y]
    sibling = {(x, y) for x, y in both if of[x] & of[y]}
    return {
        "Sibling": sibling,
        "FullSibling": {(x, y) for x, y in both if len(of[x] & of[y]) > 1},
        "Grandparent": {(g, c) for c in everyone for p in of[c] for g in of[p]},
        "Ancestor": {(a, c) for c in everyone for a in above[c]},
        "AuntOrUncle": {(a, c) for a, p in sibling for c in everyone if p in of[c]},
        "Cousin": {
            (x, y) for x, y in both if (x, y) not in sibling and any((p, q) in sibling for p in of[x] for q in of[y])
        },
        "BloodRelative": {(x, y) for x, y in both if x in above[y] or y in above[x] or above[x] & above[y]},
    }


@pytest.mark.parametrize("name", expected(set()))
@pytest.mark.parametrize("seed", [0, 1])
def test_families(name, seed):
    pairs = parents(seed)
    text = f"dim n = {PEOPLE}\nimport family\nrelation Parent(n, n')\nY = family.{name}(Parent)\noutput Y"
    table = torch.zeros(PEOPLE, PEOPLE, dtype=torch.bool)
    for p, c in pairs:
        table[p, c] = True
    wanted = torch.zeros_like(table)
    for x, y in expected(pairs)[name]:
        wanted[x, y] = True
    assert torch.equal(tl.compile(text)(Parent=table)["Y"], wanted)
    assert torch.equal(tl.compile(text, relations={"Parent": sorted(pairs)})()["Y"], wanted)
