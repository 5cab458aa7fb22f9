"""What to say of tensors that need each other and cannot be computed: the circle, and what would mend it.

In: a group of tensors for which nothing was found. Out: one report, at the reads that make a shortest circle.
"""

from __future__ import annotations

from collections.abc import Mapping

from tensorlang.records import replace
from tensorlang.sema import messages
from tensorlang.sema.circles import idempotent
from tensorlang.sema.domains import accesses
from tensorlang.sema.messages.recursion import Step
from tensorlang.sema.polarity import check_not
from tensorlang.sema.resolved import Access, Addition, FromEnd, Place, Resolved, Statement, Value
from tensorlang.sema.scope import TensorInfo
from tensorlang.sema.well_founded import well_founded
from tensorlang.sema.world import World

# In groups up to a size, the left sides that are tried with a shifted index: trying one looks at the whole group. In
# larger ones, the tensors from which a circle is looked for.
LARGEST, TRIED, STARTS = 40, 60, 20

Group = Mapping[str, TensorInfo]


def report(world: World, group: Group) -> None:
    """One message for a group."""
    world.refused.update(group)
    if any(check_not(world, group, name) for name in group):
        return
    improving = [name for name, info in group.items() if idempotent(info)]
    rest = {name: info for name, info in group.items() if name not in improving}
    circle = _shortest(rest) if improving else None
    if circle is not None:
        messages.circle_around(world.problems, circle, improving[0])
        return
    circle = _shortest(group)
    assert circle is not None
    shifted = any(_shifted(s, a) for info in group.values() for s in info.statements for a in _inside(s, group))
    mended = _mended(group, [step.reader for step in circle])
    if shifted and len(circle) == 1:
        circle = [Step(s.tensor, a.tensor, a.span) for s in group[circle[0].reader].statements for a in _own(s)]
    messages.cycle(world.problems, circle, shifted, mended)


def _own(statement: Statement) -> list[Access]:
    """The reads of an equation of the tensor that it defines, each text once."""
    found = {access.span.text: access for access in accesses(statement) if access.tensor == statement.tensor}
    return list(found.values())


def _inside(statement: Statement, group: Group) -> list[Access]:
    return [access for access in accesses(statement) if access.tensor in group]


def _shifted(statement: Statement, access: Access) -> bool:
    """Whether an access stands at another position of an axis than the left side (``H[t-1]``, ``H[t+1] = ...``)."""
    entries = (*access.at, *statement.left)
    return any(isinstance(entry, Addition | FromEnd | Value) for entry in entries)


def _shortest(group: Group) -> list[Step] | None:
    """The reads of a shortest circle, from the tensor that stands first; None where there is no circle."""
    reads = {
        name: [Step(name, access.tensor, access.span) for s in info.statements for access in _inside(s, group)]
        for name, info in group.items()
    }
    best: list[Step] | None = None
    for start in list(group)[:STARTS] if len(group) > LARGEST else group:
        steps = _back_to(reads, start)
        if steps is not None and (best is None or len(steps) < len(best)):
            best = steps
        if best is not None and len(best) <= 2:
            break
    return best


def _back_to(reads: Mapping[str, list[Step]], start: str) -> list[Step] | None:
    """The shortest way of reads from a tensor to itself."""
    came: dict[str, Step] = {}
    waiting = [start]
    for name in waiting:
        for step in reads[name]:
            if step.read == start:
                return _way(came, start, step)
            if step.read not in came:
                came[step.read] = step
                waiting.append(step.read)
    return None


def _way(came: Mapping[str, Step], start: str, last: Step) -> list[Step]:
    steps = [last]
    while steps[-1].reader != start:
        steps.append(came[steps[-1].reader])
    return steps[::-1]


# --- what would mend it ------------------------------------------------------------------------------------------


def _mended(group: Group, circle: list[str]) -> str | None:
    """The left side with one index shifted that gives the group an order; first those with a given first position."""
    if len(group) > LARGEST:
        return None
    infos = [group[name] for name in circle]
    tried = [(info, at) for info in infos for at in range(len(info.leading), len(info.labels or ()))]
    for info, at in sorted(tried, key=lambda pair: not _begun(*pair))[:TRIED]:
        general = [s for s in info.statements if not _is_fixed(s, at)]
        moved = _ahead(general[0], at) if len(general) == 1 else None
        if moved is not None:
            statements = [moved if statement is general[0] else statement for statement in info.statements]
            found = well_founded({**group, info.name: replace(info, statements=statements)})
            if found is not None and not found.inner:
                return _written(info, moved)
    return None


def _begun(info: TensorInfo, at: int) -> bool:
    return any(_is_fixed(statement, at) for statement in info.statements)


def _is_fixed(statement: Statement, at: int) -> bool:
    return isinstance(statement.left[at], Value | FromEnd)


def _ahead(statement: Statement, at: int) -> Statement | None:
    """An equation with one plain index of its left side one position ahead."""
    entry = statement.left[at]
    if not isinstance(entry, Place):
        return None
    moved: Resolved = Addition(entry.span, ((1, entry), (1, Value(entry.span, 1))))
    return replace(statement, left=(*statement.left[:at], moved, *statement.left[at + 1 :]))


def _written(info: TensorInfo, statement: Statement) -> str:
    """A left side as it would be written; what stands for axes that are not written out is left out."""
    entries: dict[str, None] = {}
    for entry in statement.left[len(info.leading) :]:
        moved = isinstance(entry, Addition) and entry.terms[0][1].span == entry.span
        if "[" not in entry.span.text:
            entries[f"{entry.span.text}+1" if moved else entry.span.text] = None
    return f"{info.name.rpartition('.')[2]}[{','.join(entries)}]"
