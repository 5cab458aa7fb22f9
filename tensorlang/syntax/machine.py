"""The LALR machine: shifts lexemes, reduces by productions, and calls the builder as it goes.

It never recurses, so brackets may be nested as deep as the limit allows. ``mark`` and ``rewind`` let the parser
drop a statement that went wrong; ``expected`` says what could have stood where it got stuck.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tensorlang.syntax.lexemes import Lexeme
from tensorlang.syntax.tables import Production, Tables

Action = Callable[[list[Any], int, int], Any]


class Stuck(Exception):
    """No rule goes on with this lexeme."""

    def __init__(self, lexeme: Lexeme) -> None:
        super().__init__(lexeme)
        self.lexeme = lexeme


class TooDeep(Exception):
    """More nodes inside each other than the limit allows; ``start`` and ``end`` are those of the outermost so far."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__(start, end)
        self.start, self.end = start, end


# The rules that put a node inside another; the others make flat rows.
_NESTING = {"paren", "list", "subscript", "call", "attribute", "power", "negation", "choice"}


class Machine:
    """One parse. ``actions`` maps a rule's action to a function of (values, start, end)."""

    def __init__(self, tables: Tables, actions: dict[str, Action], limit: int) -> None:
        self._tables = tables
        self._limit = limit
        self._actions = actions
        self._states = [tables.first]
        self._values: list[Any] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._depths: list[int] = []

    def mark(self) -> int:
        return len(self._values)

    def rewind(self, mark: int) -> None:
        """Forget everything since a mark."""
        del self._states[mark + 1 :], self._values[mark:], self._starts[mark:], self._ends[mark:], self._depths[mark:]

    def feed(self, lexeme: Lexeme) -> None:
        """Take one lexeme; raise ``Stuck`` if no rule goes on with it."""
        rows, states = self._tables.rows, self._states
        while True:
            move = rows[states[-1]].get(lexeme.kind)
            if move is None:
                raise Stuck(lexeme)
            if move >= 0:
                self._push(move, lexeme, lexeme.start, lexeme.end, 0)
                return
            production = self._tables.productions[-1 - move]
            if production.size == 1 and production.unwrap:
                states.pop()  # the value stays as it is
                states.append(rows[states[-1]][production.origin])
            else:
                self._reduce(production, lexeme.start)

    def finish(self, at: int) -> Any:
        """The value of the whole, when all is fed."""
        while self._states[-1] != self._tables.final:
            move = self._tables.rows[self._states[-1]]["$END"]
            self._reduce(self._tables.productions[-1 - move], at)
        return self._values[-1]

    def expected(self) -> set[str]:
        """The terminals that could stand next."""
        return {name for name in self._tables.rows[self._states[-1]] if name.isupper() and self._goes_on(name)}

    def _push(self, state: int, value: Any, start: int, end: int, depth: int) -> None:
        self._states.append(state)
        self._values.append(value)
        self._starts.append(start)
        self._ends.append(end)
        self._depths.append(depth)

    def _reduce(self, production: Production, at: int) -> None:
        size = production.size
        base = len(self._values) - size
        start, end = (self._starts[base], self._ends[-1]) if size else (at, at)
        values = self._values[base:]
        depth = max(self._depths[base:]) if size else 0
        self.rewind(base)
        value = values = _splice(values, production.spliced) if production.spliced else values
        if production.unwrap and len(values) == 1:
            value = values[0]
        elif production.action is not None:
            depth += production.action in _NESTING
            if depth > self._limit:
                raise TooDeep(start, end)
            value = self._actions[production.action](values, start, end)
        self._push(self._tables.rows[self._states[-1]][production.origin], value, start, end, depth)

    def _goes_on(self, name: str) -> bool:
        """Whether a terminal would be shifted in the end; reductions are tried without building anything."""
        states = list(self._states)
        while True:
            move = self._tables.rows[states[-1]].get(name)
            if move is None or move >= 0:
                return move is not None
            production = self._tables.productions[-1 - move]
            if production.size:
                del states[-production.size :]
            states.append(self._tables.rows[states[-1]][production.origin])


def _splice(values: list[Any], spliced: tuple[int, ...]) -> list[Any]:
    """Take apart the lists among the values; a leading one is extended in place, so that long lists stay linear."""
    flat: list[Any] = []
    for at, value in enumerate(values):
        if at not in spliced:
            flat.append(value)
        elif flat:
            flat.extend(value)
        else:
            flat = value
    return flat
