"""The benchmarks' own parts: the programs that they measure are right, and the table says what was measured."""

from __future__ import annotations

import pytest
import torch

from benchmarks import (
    algebra,
    allocation,
    attention,
    compiling,
    convolution,
    first_answer,
    memory,
    overhead,
    perceptron,
    rule_peers,
    rules,
    table,
    transformers,
)
from benchmarks.record import Row, Settings
from tensorlang import driver
from tensorlang.options import Options
from tensorlang.source import Source

PROGRAMS = {
    "overhead": overhead.PROGRAM,
    "perceptron": perceptron.PROGRAM,
    "attention": attention.PROGRAM,
    "first answer": first_answer.PROGRAM,
    "memory": memory.PROGRAM,
    "convolution": convolution.PROGRAM,
    "encoder": transformers.ENCODER,
    "decoder": transformers.DECODER,
    "stack": transformers.STACK,
    **{case.name: case.program for case in algebra.CASES},
    "chain": compiling.chain(12),
    "fifty lines": compiling.fifty_lines(),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_measured_program_is_right(name: str) -> None:
    assert driver.check(Source(name, PROGRAMS[name]), Options(), None).problems.found == []


def test_the_measured_file_has_fifty_lines() -> None:
    assert compiling.fifty_lines().count("\n") == 50


def test_results_of_networks_agree_with_the_peers_before_they_are_timed() -> None:
    """One round of the smallest benchmark, which stops where the results differ."""
    (row,) = overhead.measure(Settings(repeat=1))
    assert row.theirs is not None


def test_rules_agree_with_every_peer_at_hand() -> None:
    """On a small graph; a row is made only where the results agree."""
    graph = rules.drawn(40, 60)
    for case in rules.CASES:
        for name in ("DuckDB", "clingo", "GraphBLAS", "SWI-Prolog"):
            known = {"DuckDB": rule_peers.SQL, "clingo": rule_peers.CLINGO, "SWI-Prolog": rule_peers.PROLOG}
            peer = rule_peers.prepared(name, case.kind, graph) if case.kind in known.get(name, ("closure",)) else None
            if peer is not None:
                assert rules.compared(case, "small", graph, name, peer, 1).theirs is not None


def test_a_goal_bounds_the_ratio_or_the_time() -> None:
    assert Row(1, "call", 2.0, 1.1, "by hand", 2.0, 1.0).reached
    assert not Row(1, "call", 3.0, 1.1, "by hand", 2.0, 1.5).reached
    assert Row(9, "check", 0.2, 0.25).reached
    assert Row(9, "ten equations", 0.2).reached is None


def test_memory_is_shown_in_bytes() -> None:
    row = Row(11, "memory", 1.5 * (1 << 20), 1.0, "by hand", 3.0 * (1 << 20), 0.5, "B")
    assert table.cells(row)[2:6] == ("1.5 MiB", "by hand", "3 MiB", "0.50")
    assert table.cells(Row(11, "kept", 2048.0, 4096.0, unit="B"))[2:] == ("2 KiB", "", "", "", "<= 4 KiB", "reached")


def test_memory_is_counted_while_it_is_alive() -> None:
    def run() -> torch.Tensor:
        first = torch.ones(1000)
        second = first * 2
        del first
        return second + 1

    assert 8000 <= allocation.peak(run) < 8200
    assert 4000 <= allocation.held(run) < 4200


def test_the_table_is_markdown() -> None:
    row = Row(1, "call", 2.5e-5, 1.1, "by hand", 2e-5, 1.25)
    assert table.markdown([row], {"processor": "one"}).splitlines()[-1] == (
        "| 1 | call | 25 us | by hand | 20 us | 1.25 | <= 1.1 | missed |"
    )
