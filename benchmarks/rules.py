"""Row 8: recursive rules over graphs, against other engines of rules, a database and sparse matrices.

Closures, same generation, what is not reached, shortest paths, what is reached from one node; random graphs with
sources and targets drawn apart. Ours starts from sorted columns without any index, the peers from their own tables;
results are columns of numbers, and agree before anything is timed. A peer that is not installed is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks import rule_peers
from benchmarks.record import Row, Settings
from benchmarks.rule_memory import grown
from benchmarks.rule_peers import Graph, Peer
from tensorlang.ir.rules import (
    Aggregate,
    Arithmetic,
    Atom,
    Comparison,
    Constant,
    Negation,
    Relation,
    Rule,
    Rulebook,
    Sort,
    Term,
    Variable,
)
from tensorlang.limits import Limits
from tensorlang.logic.answering import answer
from tensorlang.logic.evaluating import evaluate
from tensorlang.logic.rows import Rows
from tensorlang.source import Source, Span

_SPAN = Span(Source("benchmark", ""), 0, 0)
_NODE, _WEIGHT = Sort("int", "node"), Sort("int")


def _terms(words: str) -> tuple[Term, ...]:
    return tuple(Constant(int(word)) if word.isdigit() else Variable(word) for word in words.split())


def _atom(relation: str, words: str) -> Atom:
    return Atom(relation, _terms(words), _SPAN)


def _rule(relation: str, words: str, *body: Atom | Negation | Comparison) -> Rule:
    return Rule(_atom(relation, words), body, _SPAN)


def _book(*rules: Rule) -> Rulebook:
    sorts = {
        "Edge": (_NODE, _NODE), "Road": (_NODE, _NODE, _WEIGHT), "Path": (_NODE, _NODE), "Same": (_NODE, _NODE),
        "Node": (_NODE,), "Reached": (_NODE,), "Missed": (_NODE,), "Distance": (_NODE, _WEIGHT),
    }  # fmt: skip
    return Rulebook({name: Relation(name, places, ("",) * len(places), _SPAN) for name, places in sorts.items()}, rules)


_CLOSURE = _book(
    _rule("Path", "x z", _atom("Edge", "x z")), _rule("Path", "x z", _atom("Path", "x y"), _atom("Edge", "y z"))
)
_GENERATION = _book(
    _rule("Same", "x y", _atom("Edge", "p x"), _atom("Edge", "p y"),
          Comparison("!=", Variable("x"), Variable("y"), _SPAN)),
    _rule("Same", "x y", _atom("Edge", "p x"), _atom("Same", "p q"), _atom("Edge", "q y")),
)  # fmt: skip
_MISSED = _book(
    _rule("Node", "x", _atom("Edge", "x _")),
    _rule("Node", "y", _atom("Edge", "_ y")),
    _rule("Reached", "0"),
    _rule("Reached", "y", _atom("Reached", "x"), _atom("Edge", "x y")),
    _rule("Missed", "x", _atom("Node", "x"), Negation(_atom("Reached", "x"))),
)
_LONGER = Arithmetic("+", (Variable("d"), Variable("w")))
_SHORTEST = _book(
    _rule("Distance", "0 0"),
    Rule(_atom("Distance", "y d"), (_atom("Distance", "x d"), _atom("Road", "x y w")), _SPAN,
         Aggregate("min", _LONGER, 1)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A program, what is asked of it, and the sizes of the graphs (nodes, edges) with the peers of each."""

    name: str
    ours: Callable[[Graph], Rows]
    kind: str
    sizes: tuple[tuple[int, int, tuple[str, ...]], ...]


def _evaluated(book: Rulebook, relation: str, graph: Graph) -> Rows:
    given = {"Edge": Rows(graph.edges.columns, graph.edges.count), "Road": Rows(graph.roads.columns, graph.roads.count)}
    return evaluate(book, given, [relation], Limits())[relation]


def _answered(graph: Graph) -> Rows:
    given = {"Edge": Rows(graph.edges.columns, graph.edges.count)}
    return answer(_CLOSURE, given, _atom("Path", "0 z"), Limits()).rows


_ALL = ("DuckDB", "clingo", "SWI-Prolog")
CASES = (
    Case("transitive closure", partial(_evaluated, _CLOSURE, "Path"), "closure",
         ((1_000, 1_000, ("DuckDB",)), (1_500, 2_000, (*_ALL, "GraphBLAS")), (5_000, 7_000, ("DuckDB", "GraphBLAS")),
          (100_000, 90_000, ("DuckDB",)), (1_000_000, 900_000, ("DuckDB",)))),
    Case("same generation", partial(_evaluated, _GENERATION, "Same"), "generation",
         ((1_000, 1_200, _ALL), (5_000, 6_000, ("DuckDB",)), (20_000, 18_000, ("DuckDB",)))),
    Case("nodes that are not reached", partial(_evaluated, _MISSED, "Missed"), "missed",
         ((10_000, 30_000, _ALL), (200_000, 1_000_000, ("DuckDB",)))),
    Case("shortest paths from a node", partial(_evaluated, _SHORTEST, "Distance"), "shortest",
         ((10_000, 30_000, ("DuckDB",)), (200_000, 1_000_000, ("DuckDB",)))),
    Case("what a node leads to", _answered, "led",
         ((10_000, 30_000, ("DuckDB",)), (200_000, 1_000_000, ("DuckDB",)))),
)  # fmt: skip


def measure(settings: Settings) -> Iterator[Row]:
    rounds = max(3, settings.repeat // 10)
    for case in CASES:
        for nodes, edges, names in case.sizes:
            graph = drawn(nodes, edges)
            for name in names:
                peer = rule_peers.prepared(name, case.kind, graph)
                if peer is not None:
                    yield compared(case, f"{edges:,} edges", graph, name, peer, rounds)
    if rule_peers.prepared("DuckDB", "closure", drawn(10, 10)) is not None:
        yield from _memory(5_000, 7_000)
        yield from _memory(1_000_000, 900_000)


def _memory(nodes: int, edges: int) -> Iterator[Row]:
    ours, theirs = (grown(peer, nodes, edges) for peer in ("", "DuckDB"))
    yield Row(8, f"transitive closure, {edges:,} edges, memory", ours, 1.0, "DuckDB", theirs, ours / theirs, "B")


def drawn(nodes: int, edges: int) -> Graph:
    """A random graph, with weights from 1 to 99 on its edges."""
    draw = np.random.default_rng(1)
    source, target = draw.integers(0, nodes, (2, edges))
    return Graph(Rows.of([source, target]), Rows.of([source, target, draw.integers(1, 100, edges)]))


def compared(case: Case, size: str, graph: Graph, name: str, peer: Peer, rounds: int) -> Row:
    """Rounds in turn; a peer that takes long is measured once."""
    result, first = peer()
    expected = case.ours(graph)
    if isinstance(result, int):
        agree = result == expected.count
    else:
        agree = Rows.of([np.asarray(column) for column in result]) == expected
    if not agree:
        raise AssertionError(f"{case.name}, {size}: {name} finds other rows")
    pairs = []
    for _ in range(1 if first > 3 else rounds):
        started = perf_counter()
        case.ours(graph)
        ours = perf_counter() - started
        pairs.append((ours, first if first > 3 else peer()[1]))
    times = median(a for a, _ in pairs), median(b for _, b in pairs)
    label = f"{case.name}, {size}, {expected.count:,} rows"
    return Row(8, label, times[0], 1.0, name, times[1], median(a / b for a, b in pairs))
