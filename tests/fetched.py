"""Examples on data that may not be passed on: they run where a script has fetched them, and are skipped elsewhere."""

from __future__ import annotations

from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"
FETCHED = {"movies.tl": "data/movies.csv"}


def missing(program: Path) -> str | None:
    """Why an example cannot run here, or None."""
    needed = FETCHED.get(program.name)
    if needed is None or (EXAMPLES / needed).exists():
        return None
    return f"{needed} is not here: examples/data/make_{program.stem}.py makes it from the wheel of recbole"
