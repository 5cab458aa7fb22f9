"""The parse tables of ``grammar.lark``: Lark makes them, ``grammar.json`` keeps them.

In: the grammar beside this file. Out: ``Tables``. Making them takes Lark a tenth of a second, and every command
that reads a program would wait for it; reading the kept ones takes a few milliseconds. They carry a checksum of the
grammar, so stale ones are never used. ``python -m tensorlang.syntax.tables`` writes them anew.
"""

from __future__ import annotations

import json
import re
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from tensorlang.records import dataclass

HERE = Path(__file__).parent
LAYOUT_ONLY = ("COMMENT", "NEWLINE", "SEMICOLON", "WRONG", "UNCLOSED", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class Production:
    """One rule: what it makes of the ``size`` topmost values; ``spliced`` ones are lists that are taken apart."""

    origin: str
    size: int
    action: str | None  # the builder's method; None makes a list for the rule above
    unwrap: bool  # a single child stands for itself
    spliced: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """``rows[state][symbol]`` is the next state, or ``-1 - n`` to reduce by production ``n``."""

    scanner: re.Pattern[str]
    productions: tuple[Production, ...]
    rows: tuple[dict[str, int], ...]
    first: int
    final: int


@cache
def load() -> Tables:
    """The tables of this version's grammar."""
    grammar = (HERE / "grammar.lark").read_text(encoding="utf-8")
    kept = HERE / "grammar.json"
    data = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    if data.get("grammar") != zlib.crc32(grammar.encode()):
        data = make(grammar)
    return Tables(
        scanner=re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in data["terminals"])),
        productions=tuple(Production(a, b, c, d, tuple(e)) for a, b, c, d, e in data["productions"]),
        rows=tuple(data["rows"]),
        first=data["first"],
        final=data["final"],
    )


def make(grammar: str) -> dict[str, Any]:
    """Build the tables with Lark, as plain data."""
    from lark import Lark
    from lark.parsers.lalr_analysis import Shift

    class Keep:
        """Tells Lark which terminals matter to the layout alone."""

        always_accept = LAYOUT_ONLY

        def process(self, stream: Any) -> Any:
            return stream

    lark = Lark(grammar, parser="lalr", lexer="basic", keep_all_tokens=True, maybe_placeholders=False, postlex=Keep())
    table = lark.parser.parser._parse_table
    rules = sorted(lark.rules, key=str)
    production = {rule: -1 - at for at, rule in enumerate(rules)}
    state = _numbers(table.start_states["start"], {at: _shifts(row, Shift) for at, row in table.states.items()})
    rows = [
        {name: state[arg] if action is Shift else production[arg] for name, (action, arg) in sorted(row.items())}
        for row in (table.states[old] for old in state)
    ]
    terminals = sorted(lark.terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name))
    return {
        "grammar": zlib.crc32(grammar.encode()),
        "first": state[table.start_states["start"]],
        "final": state[table.end_states["start"]],
        "terminals": [(t.name, t.pattern.to_regexp()) for t in terminals],
        "productions": [_production(rule) for rule in rules],
        "rows": rows,
    }


def _shifts(row: dict[str, Any], shift: Any) -> list[int]:
    return [arg for _, (action, arg) in sorted(row.items()) if action is shift]


def _numbers(first: int, following: dict[int, list[int]]) -> dict[int, int]:
    """Number the states in the order they are met, since Lark's own numbers differ from run to run."""
    number = {first: 0}
    queue = [first]
    for at in queue:
        for state in following[at]:
            if state not in number:
                number[state] = len(number)
                queue.append(state)
    return number


def _production(rule: Any) -> tuple[str, int, str | None, bool, list[int]]:
    origin = rule.origin.name
    hidden = [at for at, symbol in enumerate(rule.expansion) if not symbol.is_term and symbol.name.startswith("_")]
    action = None if origin.startswith("_") else rule.alias or origin
    return origin, len(rule.expansion), action, bool(rule.options.expand1 and not rule.alias), hidden


if __name__ == "__main__":
    text = json.dumps(make((HERE / "grammar.lark").read_text(encoding="utf-8")), separators=(",", ":"))
    (HERE / "grammar.json").write_text(text + "\n", encoding="utf-8")
