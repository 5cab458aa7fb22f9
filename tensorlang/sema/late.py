"""How many steps after its position each tensor of a recurrence is computed, where reads go both ways along its axis.

In: how far back each read is. Out: a number of steps for each tensor, so that what it reads is computed before it, or
in the same step: ``Q[k] = R[k+1]`` waits one step for R. There are such numbers where no way round a circle leads ahead
(difference constraints, solved by going round as often as there are tensors: Bellman and Ford).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tensorlang.records import dataclass

# A tensor that would have to wait longer is not computed that way: each step is a position more of it.
LONGEST = 64


@dataclass(frozen=True, slots=True)
class Distance:
    """A read: ``lag`` positions before its reader, and on from there to one ``side`` (-1 before, 1 behind, 0 neither).

    ``from_end``: of two positions that are counted from the ends of their axes, which may differ in length.
    """

    reader: str
    read: str
    lag: int
    side: int
    from_end: bool


def lateness(names: Iterable[str], distances: Sequence[Distance], reverse: bool) -> dict[str, int] | None:
    """The fewest steps, or None where there are none; ``reverse``: positions come from the last to the first."""
    late = dict.fromkeys(names, 0)
    if any(distance.side == (-1 if reverse else 1) for distance in distances):
        return None
    for _ in range(len(late) + 1):
        moved = False
        for each in distances:
            # A tensor counts its steps from the first position, and so is early where these run backwards.
            waiting, least = each.reader, late[each.read] - each.lag + abs(each.side)
            if reverse:
                waiting, least = each.read, late[each.reader] + each.lag + abs(each.side)
            if least > late[waiting]:
                late[waiting], moved = least, True
        if not moved:
            return late
        if max(late.values()) > LONGEST:
            return None
    return None
