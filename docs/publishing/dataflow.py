"""Pictures of what is computed from what, as SVG: nodes in columns from left to right, arrows as curves.

In: the text of a ``mermaid`` block as ``docs/generate_library.py`` writes it. Out: an ``<svg>`` whose colours are the
page's. Columns are longest ways from what is given; within a column, nodes stand near what they read and what reads
them (the method of Sugiyama, Tagawa and Toda, 1981, with medians as in Eades and Wormald, 1994).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from statistics import median

_NODE = re.compile(r"\s*(\w+)(\(\[|\[/|\[)(.*?)(\]\)|/\]|\])\s*$")
_ARROW = re.compile(r"\s*(\w+) --> (\w+)\s*$")
_SHAPES = {"([": "given", "[/": "weight", "[": "computed"}
_HEIGHT, _LETTER, _ROW, _GAP, _MARGIN = 30, 8.4, 42, 46, 6


@dataclass(slots=True)
class Place:
    """A node, or a point that a long arrow passes (``title`` is None)."""

    title: str | None
    shape: str
    column: int = 0
    x: float = 0
    y: float = 0
    before: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)

    @property
    def width(self) -> float:
        return 0 if self.title is None else max(38, 22 + _LETTER * len(self.title))


def picture(text: str) -> str:
    """The SVG of a diagram."""
    places, arrows = _read(text)
    forward = _forward(list(places), arrows)
    _columns(places, forward)
    ways = _ways(places, forward)
    columns = _ordered(places)
    width, height = _placed(places, columns)
    back = [arrow for arrow in arrows if arrow not in forward]
    below, beside = (16 + 9 * len(back), 14) if back else (0, 0)
    drawn = [_curve([places[name] for name in way]) for way in ways]
    drawn += [_return(places[one], places[two], height + 9 * at) for at, (one, two) in enumerate(back)]
    drawn += [_node(place) for place in places.values() if place.title is not None]
    width, height = width + beside, height + below
    about = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" aria-label="what is computed from what"'
    return f'<svg class="dataflow" role="img" {about}>{"".join(drawn)}</svg>'


def _read(text: str) -> tuple[dict[str, Place], list[tuple[str, str]]]:
    places: dict[str, Place] = {}
    arrows = []
    for line in text.splitlines():
        if node := _NODE.match(line):
            places[node[1]] = Place(node[3], _SHAPES[node[2]])
        elif arrow := _ARROW.match(line):
            arrows.append((arrow[1], arrow[2]))
    return places, arrows


def _forward(names: list[str], arrows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The arrows less those that close a circle: they are drawn going back."""
    state: dict[str, str] = {}
    kept = []

    def visit(name: str) -> None:
        state[name] = "open"
        for one, two in arrows:
            if one == name and state.get(two) != "open":
                kept.append((one, two))
                if two not in state:
                    visit(two)
        state[name] = "done"

    for name in names:
        if name not in state:
            visit(name)
    return [arrow for arrow in arrows if arrow in kept]


def _columns(places: dict[str, Place], arrows: list[tuple[str, str]]) -> None:
    """Longest ways; what only gives stands next to its first reader."""
    for _ in places:
        for one, two in arrows:
            places[two].column = max(places[two].column, places[one].column + 1)
    reads = {two for _, two in arrows}
    for name, place in places.items():
        readers = [places[two].column for one, two in arrows if one == name]
        if name not in reads and readers:
            place.column = min(readers) - 1


def _ways(places: dict[str, Place], arrows: list[tuple[str, str]]) -> list[list[str]]:
    """Each arrow as the places that it goes through; one that spans columns gets a point in each."""
    ways = []
    for at, (one, two) in enumerate(arrows):
        way = [one]
        for column in range(places[one].column + 1, places[two].column):
            way.append(f"{at}:{column}")
            places[way[-1]] = Place(None, "point", column)
        way.append(two)
        ways.append(way)
        for left, right in pairwise(way):
            places[left].behind.append(right)
            places[right].before.append(left)
    return ways


def _ordered(places: dict[str, Place]) -> list[list[str]]:
    """The columns, each in an order with few crossings."""
    columns: list[list[str]] = [[] for _ in range(1 + max((p.column for p in places.values()), default=0))]
    for name, place in places.items():
        columns[place.column].append(name)
    for sweep in range(8):
        rightward = sweep % 2 == 0
        for column in columns if rightward else columns[::-1]:
            rank = {name: at for each in columns for at, name in enumerate(each)}
            near = {n: places[n].before if rightward else places[n].behind for n in column}
            order = {n: median(rank[m] for m in near[n]) if near[n] else float(rank[n]) for n in column}
            column.sort(key=order.__getitem__)
    return columns


def _placed(places: dict[str, Place], columns: list[list[str]]) -> tuple[float, float]:
    """Where everything stands; the size of the whole."""
    x = float(_MARGIN)
    for column in columns:
        breadth = max(places[name].width for name in column)
        for at, name in enumerate(column):
            places[name].x = x + breadth / 2
            places[name].y = at * _ROW
        x += breadth + _GAP
    for sweep in range(12):
        for column in columns if sweep % 2 == 0 else columns[::-1]:
            _settle(places, column)
    top = min(place.y for place in places.values())
    for place in places.values():
        place.y += _MARGIN + _HEIGHT / 2 - top
    return x - _GAP + _MARGIN, max(place.y for place in places.values()) + _HEIGHT / 2 + _MARGIN


def _settle(places: dict[str, Place], column: list[str]) -> None:
    """Each node as near to the middle of its neighbours as the others of its column let it."""
    wish = [median([places[m].y for m in (*places[n].before, *places[n].behind)] or [places[n].y]) for n in column]
    apart = [0.0]
    for above, below in pairwise(column):
        apart.append(apart[-1] + _ROW * (1 if places[above].title and places[below].title else 0.6))
    # Blocks that would overlap move together, to the mean of what they wish (pooling of adjacent violators).
    blocks: list[tuple[float, int]] = []
    for at, y in enumerate(wish):
        blocks.append((y - apart[at], 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (one, several), (two, more) = blocks[-2:]
            blocks[-2:] = [((one * several + two * more) / (several + more), several + more)]
    starts = [start for start, count in blocks for _ in range(count)]
    for name, start, offset in zip(column, starts, apart, strict=True):
        places[name].y = start + offset


def _curve(way: list[Place]) -> str:
    path = f"M{way[0].x + way[0].width / 2:.1f} {way[0].y:.1f}"
    for one, two in pairwise(way):
        start, end = one.x + one.width / 2, two.x - two.width / 2 - (5 if two.title else 0)
        middle = (start + end) / 2
        path += f"C{middle:.1f} {one.y:.1f} {middle:.1f} {two.y:.1f} {end:.1f} {two.y:.1f}"
    return f'<path class="arrow" d="{path}"/>{_head(end, two.y)}'


def _head(x: float, y: float) -> str:
    return f'<path class="head" d="M{x - 2:.1f} {y - 3.5:.1f}l7 3.5l-7 3.5z"/>'


def _return(one: Place, two: Place, bottom: float) -> str:
    """An arrow that goes back, below everything: what is read at an earlier position."""
    start, end = one.x + one.width / 2, two.x - two.width / 2 - 5
    path = f"M{start:.1f} {one.y:.1f}c16 0 16 {bottom - one.y:.1f} -8 {bottom - one.y:.1f}H{end + 3:.1f}"
    path += f"c-24 0 -24 {two.y - bottom:.1f} -3 {two.y - bottom:.1f}"
    return f'<path class="arrow back" d="{path}"/>{_head(end, two.y)}'


def _node(place: Place) -> str:
    width, left, top = place.width, place.x - place.width / 2, place.y - _HEIGHT / 2
    if place.shape == "weight":
        outline = f'<path d="M{left + 7:.1f} {top:.1f}h{width - 7:.1f}l-7 {_HEIGHT}h{7 - width:.1f}z"/>'
    else:
        round_ = _HEIGHT / 2 if place.shape == "given" else 4
        outline = f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_HEIGHT}" rx="{round_}"/>'
    text = f'<text x="{place.x:.1f}" y="{place.y + 4.5:.1f}">{escape(place.title or "")}</text>'
    return f'<g class="{place.shape}">{outline}{text}</g>'
