"""The most memory that a closure takes, in a process of its own: ``python -m benchmarks.rule_memory PEER NODES EDGES``.

Prints by how many bytes the process has grown at most since its data were loaded.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path


def grown(peer: str, nodes: int, edges: int) -> float:
    """The growth of a fresh process that computes a closure; ``peer`` is ours where it is empty."""
    command = [sys.executable, "-m", "benchmarks.rule_memory", peer, str(nodes), str(edges)]
    root = str(Path(__file__).parent.parent)
    return float(subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout)


def _main(peer: str, nodes: int, edges: int) -> None:
    from benchmarks import rules
    from benchmarks.rule_peers import prepared
    from tensorlang.logic import closure  # loaded before memory is looked at, as the peer is

    assert closure
    graph = rules.drawn(nodes, edges)
    run = prepared(peer, "closure", graph) if peer else (lambda: rules.CASES[0].ours(graph))
    assert run is not None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kept = run()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert kept
    print((after - before) * 1024)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
