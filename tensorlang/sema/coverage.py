"""Whether the equations of a tensor name all of its elements.

In: a definition, and the shape of its tensor. Out: True where that is sure. An element that no equation names holds the
identity of the aggregate; of integers that is the largest or least one, and counting on from it would wrap around.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from tensorlang.ir.domain import Size
from tensorlang.ir.facts import presence
from tensorlang.ir.nodes import Expr, affine, free_indices
from tensorlang.ir.program import Definition, Piece

# Places of an axis are told apart this far from its ends; what lies between is one place.
EDGE = 4
MIDDLE = 0

Place = int  # 1, 2.. from the front, -1, -2.. from the end, MIDDLE


def covers(definition: Definition, shape: tuple[Size, ...]) -> bool:
    """Whether every element is named by an equation without a guard."""
    boxes = [box for piece in definition.pieces if (box := _box(piece, shape)) is not None]
    places = [_places(size) for size in shape]
    return all(any(all(p in side for p, side in zip(at, box, strict=True)) for box in boxes) for at in product(*places))


def _places(size: Size) -> list[Place]:
    """The places of an axis: each position of a short one."""
    known = size.constant
    if known is not None and known <= 2 * EDGE:
        return list(range(1, known + 1))
    return [*range(1, EDGE + 1), MIDDLE, *range(-EDGE, 0)]


def _box(piece: Piece, shape: tuple[Size, ...]) -> list[frozenset[Place]] | None:
    """The places of each axis that a piece names; None where it leaves out some that no box tells."""
    indices = [index for entry in piece.left for index in free_indices(entry)]
    if presence(piece.value) is not None or len(set(indices)) != len(indices):
        return None
    return [frozenset(_named(entry, size)) for entry, size in zip(piece.left, shape, strict=True)]


def _named(entry: Expr, size: Size) -> Iterator[Place]:
    """The places of an axis that an entry of a left side reaches: those from ``first`` to before ``behind``."""
    form = affine(entry)
    if form is None or len(form.coefficients) > 1 or any(scale != 1 for _, scale in form.coefficients):
        return
    first = form.offset
    behind = first + (form.coefficients[0][0].size if form.coefficients else 1)
    for place in _places(size):
        # A place at the end of a short axis is one at its front too, and is judged there.
        position = Size.of(place - 1 if place > 0 else EDGE)
        begun = _sure(position - first) or (place < 0 and _sure(size + place - first))
        to_end = _sure(behind - size + (EDGE if place == MIDDLE else -place - 1 if place < 0 else 0))
        if begun and (to_end or (place > 0 and _sure(behind - place))):
            yield place


def _sure(difference: Size) -> bool:
    known = difference.constant
    return known is not None and known >= 0
