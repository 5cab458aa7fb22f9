"""The result of a measurement, and the settings that it was made with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """``repeat`` rounds of each measurement; ``threads`` for torch."""

    repeat: int = 30
    threads: int = 2


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. What is measured is a time in seconds or, by its ``unit`` ``B``, memory in bytes.

    ``ratio`` is the median of the rounds' ratios (ours / theirs), None where there is no peer. ``goal`` bounds the
    ratio, or, without a peer, our time. ``number`` is the row of docs/benchmarks.md's plan that it belongs to.
    """

    number: int
    name: str
    ours: float
    goal: float | None = None
    peer: str = ""
    theirs: float | None = None
    ratio: float | None = None
    unit: str = "s"

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None where none is set."""
        if self.goal is None:
            return None
        return (self.ours if self.ratio is None else self.ratio) <= self.goal
