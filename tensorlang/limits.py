"""What a program may use at most. One object; every limit is named in its error and settable by ``--limit-NAME``."""

from __future__ import annotations

import os

from tensorlang.records import dataclass, field


def _half_of_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (ValueError, OSError):
        return 4 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds, checked before the work they bound is begun."""

    source: int = field(default=1 << 20, metadata={"doc": "bytes of one source file"})
    nesting: int = field(default=2000, metadata={"doc": "depth of open brackets"})
    equations: int = field(default=10_000, metadata={"doc": "equations after modules are expanded"})
    indices: int = field(default=52, metadata={"doc": "indices of one equation"})
    modules: int = field(default=64, metadata={"doc": "depth of modules inside modules"})
    imports: int = field(default=256, metadata={"doc": "imported files"})
    memory: int = field(default_factory=_half_of_memory, metadata={"doc": "estimated bytes of a program's tensors"})
    operations: int = field(default=10**15, metadata={"doc": "estimated multiplications of one evaluation"})
    file: int = field(default=4 << 30, metadata={"doc": "bytes of one data file, unpacked"})
    expansion: int = field(default=200, metadata={"doc": "ratio of unpacked to packed bytes in an archive"})
    steps: int = field(default=100_000, metadata={"doc": "steps of rules that make new numbers"})
    time: float = field(default=0.0, metadata={"doc": "seconds of a run; 0 is no limit"})
