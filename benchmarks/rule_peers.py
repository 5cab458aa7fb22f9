"""The peers of row 8: the same rules in clingo, DuckDB, SWI-Prolog and as products of sparse matrices in GraphBLAS."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from tensorlang.logic.rows import Rows

# what a peer found (the columns, or how many rows where it cannot hand them over), and the seconds that it took
Peer = Callable[[], tuple[Sequence[NDArray[np.int64]] | int, float]]


@dataclass(frozen=True, slots=True)
class Graph:
    edges: Rows
    roads: Rows


SQL = {
    "closure": "WITH RECURSIVE path(x, z) AS (SELECT x, y FROM edge UNION "
    "SELECT path.x, edge.y FROM path JOIN edge ON path.z = edge.x) FROM path",
    "generation": "WITH RECURSIVE same(x, y) AS (SELECT a.y, b.y FROM edge a JOIN edge b ON a.x = b.x WHERE a.y <> b.y "
    "UNION SELECT a.y, b.y FROM same JOIN edge a ON a.x = same.x JOIN edge b ON b.x = same.y) FROM same",
    "missed": "WITH RECURSIVE reached(x) AS (SELECT 0 UNION "
    "SELECT edge.y FROM reached JOIN edge ON reached.x = edge.x) "
    "SELECT x FROM (SELECT x FROM edge UNION SELECT y FROM edge) WHERE x NOT IN (FROM reached)",
    "led": "WITH RECURSIVE path(z) AS (SELECT y FROM edge WHERE x = 0 UNION "
    "SELECT edge.y FROM path JOIN edge ON path.z = edge.x) FROM path",
    "shortest": "WITH RECURSIVE distance(x, d) USING KEY (x) AS (SELECT 0::BIGINT, 0::BIGINT UNION ("
    "SELECT road.y, min(distance.d + road.w) FROM distance JOIN road ON distance.x = road.x "
    "LEFT JOIN recurring.distance known ON known.x = road.y "
    "WHERE known.d IS NULL OR distance.d + road.w < known.d GROUP BY road.y)) FROM distance",
}
CLINGO = {
    "closure": "path(X,Z) :- edge(X,Z). path(X,Z) :- path(X,Y), edge(Y,Z).",
    "generation": "same(X,Y) :- edge(P,X), edge(P,Y), X != Y. same(X,Y) :- edge(P,X), same(P,Q), edge(Q,Y).",
    "missed": "node(X) :- edge(X,_). node(X) :- edge(_,X). reached(0). reached(Y) :- reached(X), edge(X,Y). "
    "missed(X) :- node(X), not reached(X).",
}
# the rules, and a goal that binds N to the number of rows
PROLOG = {
    "closure": (
        ":- table path/2.\npath(X,Z) :- edge(X,Z).\npath(X,Z) :- path(X,Y), edge(Y,Z).\n",
        "aggregate_all(count, path(_,_), N)",
    ),
    "generation": (
        ":- table same/2.\nsame(X,Y) :- edge(P,X), edge(P,Y), X \\== Y.\n"
        "same(X,Y) :- same(P,Q), edge(P,X), edge(Q,Y).\n",
        "aggregate_all(count, same(_,_), N)",
    ),
    "missed": (
        ":- table reached/1.\nnode(X) :- edge(X,_).\nnode(X) :- edge(_,X).\nreached(0).\n"
        "reached(Y) :- reached(X), edge(X,Y).\n",
        "findall(X, node(X), A0), sort(A0, A1), findall(X, reached(X), B0), sort(B0, B1), "
        "ord_subtract(A1, B1, M), length(M, N)",
    ),
}
RESULT = {"closure": "path", "generation": "same", "missed": "missed"}


def prepared(name: str, kind: str, graph: Graph) -> Peer | None:
    """A peer with its data loaded; None where it is not installed."""
    if name == "SWI-Prolog":
        return _prolog(kind, graph) if shutil.which("swipl") else None
    module = {"DuckDB": "duckdb", "clingo": "clingo", "GraphBLAS": "graphblas"}[name]
    if importlib.util.find_spec(module) is None:
        return None
    return {"DuckDB": _duckdb, "clingo": _clingo, "GraphBLAS": _graphblas}[name](kind, graph)


def _duckdb(kind: str, graph: Graph) -> Peer:
    import duckdb
    import pandas

    connection = duckdb.connect()
    for table, rows in (("edge", graph.edges), ("road", graph.roads)):
        connection.register("loaded", pandas.DataFrame(dict(zip("xyw", rows.columns, strict=False))))
        connection.execute(f"CREATE TABLE {table} AS FROM loaded")
        connection.unregister("loaded")

    def run() -> tuple[Sequence[NDArray[np.int64]], float]:
        started = perf_counter()
        columns = list(connection.execute(SQL[kind]).fetchnumpy().values())
        return columns, perf_counter() - started

    return run


def _facts(rows: Rows) -> str:
    return "\n".join(f"edge({x},{y})." for x, y in rows.tuples())


def _clingo(kind: str, graph: Graph) -> Peer:
    import clingo

    text = _facts(graph.edges) + "\n" + CLINGO[kind]

    def run() -> tuple[int, float]:
        control = clingo.Control(["--warn=none"])
        control.add("base", [], text)
        started = perf_counter()
        control.ground([("base", [])])
        took = perf_counter() - started
        places = {"closure": 2, "generation": 2, "missed": 1}[kind]
        return sum(1 for _ in control.symbolic_atoms.by_signature(RESULT[kind], places)), took

    return run


def _graphblas(kind: str, graph: Graph) -> Peer:
    import graphblas as gb

    assert kind == "closure"
    size = int(max(column.max() for column in graph.edges.columns)) + 1
    edges = gb.Matrix.from_coo(*graph.edges.columns, True, nrows=size, ncols=size, dtype=bool)

    def run() -> tuple[Sequence[NDArray[np.int64]], float]:
        started = perf_counter()
        path, fresh = edges.dup(), edges.dup()
        while fresh.nvals:
            onward = gb.Matrix(bool, size, size)
            onward(~path.S, replace=True) << gb.semiring.any_pair[bool](fresh @ edges)
            path(gb.binary.any) << onward
            fresh = onward
        x, z, _ = path.to_coo()
        return [x.astype(np.int64), z.astype(np.int64)], perf_counter() - started

    return run


def _prolog(kind: str, graph: Graph) -> Peer:
    rules, goal = PROLOG[kind]
    program = (
        f"{rules}{_facts(graph.edges)}\n"
        f":- initialization((get_time(Start), {goal}, get_time(End), T is End - Start, "
        "format('~w ~w~n', [N, T]), halt)).\n"
    )

    def run() -> tuple[int, float]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rules.pl"
            path.write_text(program)
            command = ["swipl", "--stack-limit=8g", "--table-space=8g", "-q", str(path)]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)
        count, took = ran.stdout.split()
        return int(count), float(took)

    return run
