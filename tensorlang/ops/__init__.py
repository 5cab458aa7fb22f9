"""Operators as records: ``POINTWISE``, ``REDUCTIONS``, ``ALONG``, ``INITIALIZERS`` by name."""

from __future__ import annotations

from tensorlang.ops.along import ALONG
from tensorlang.ops.initializers import INITIALIZERS
from tensorlang.ops.pointwise import POINTWISE
from tensorlang.ops.record import Along, Initializer, Pointwise, Reduction
from tensorlang.ops.reductions import AGGREGATES, REDUCTIONS
from tensorlang.ops.structured import STRUCTURED

__all__ = [
    "AGGREGATES", "ALONG", "INITIALIZERS", "POINTWISE", "REDUCTIONS", "STRUCTURED",
    "Along", "Initializer", "Pointwise", "Reduction",
]  # fmt: skip
