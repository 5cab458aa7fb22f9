"""The statements of a session: which of the earlier ones stay when new ones are entered.

In: the statements so far and the new ones. Out: the statements of the program from now on. A definition that is
entered again replaces the earlier one: a declaration of the same name, a module of the same name, an equation with
the same left side up to the names of its indices. Equations that define other elements (``F[0] = 1``, then ``F[n] =
...``), facts and rules are added. Actions are done once and not kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tensorlang.records import dataclass, replace
from tensorlang.syntax import ast

ACTIONS = (ast.Query, ast.Minimize, ast.Plot, ast.Save, ast.Load, ast.Assert, ast.Test)
_WORD = re.compile(r"[^\W\d]\w*'*")


@dataclass(frozen=True, slots=True)
class Statements:
    """What is kept, each declaration with one item, in the order in which it was entered."""

    kept: tuple[ast.Statement, ...] = ()

    def with_all(self, new: Iterable[ast.Statement]) -> Statements:
        """These statements and the new ones, less those that are replaced."""
        added = tuple(one for statement in new if not isinstance(statement, ACTIONS) for one in single(statement))
        stay = tuple(old for old in self.kept if not any(replaces(one, old) for one in added))
        return Statements((*stay, *added))

    @property
    def names(self) -> tuple[str, ...]:
        """The names that they define, in order, each once."""
        return tuple(dict.fromkeys(name for statement in self.kept for name in defined(statement)))

    @property
    def text(self) -> str:
        """A program of these statements."""
        return "".join(written(statement) + "\n" for statement in self.kept)


def single(statement: ast.Statement) -> Iterator[ast.Statement]:
    """A declaration of several names as one for each."""
    if isinstance(statement, ast.DimDeclaration | ast.Declaration) and len(statement.items) > 1:
        for item in statement.items:
            yield replace(statement, items=(item,), span=item.span)  # type: ignore[arg-type]
    else:
        yield statement


def defined(statement: ast.Statement) -> tuple[str, ...]:
    """The names that a statement gives a meaning."""
    match statement:
        case ast.DimDeclaration(items=items):
            return tuple(item.name for item in items)
        case ast.Declaration(items=items):
            return tuple(item.name for item in items)
        case ast.ConstDeclaration(name=name) | ast.Equation(name=name) | ast.Def(name=name):
            return (name,)
        case ast.Rule(head=head):
            return (head.target.name,) if isinstance(head.target, ast.Name) else ()
        case ast.Import(module=module, alias=alias, names=names):
            return tuple(inner for _, inner in names) or (alias or module.rsplit("/", 1)[-1].removesuffix(".tl"),)
        case _:
            return ()


def shown(statement: ast.Statement) -> tuple[str, ...]:
    """The names whose values a statement settles: of equations, parameters and data."""
    if isinstance(statement, ast.Declaration) and statement.kind in ("param", "buffer", "data", "relation"):
        return defined(statement)
    return (statement.name,) if isinstance(statement, ast.Equation) else ()


def replaces(new: ast.Statement, old: ast.Statement) -> bool:
    """Whether an earlier statement goes when a new one is entered."""
    if new == old:
        return True
    if isinstance(new, ast.Update) or isinstance(old, ast.Update):
        return isinstance(new, ast.Update) and isinstance(old, ast.Update) and new.equation.name == old.equation.name
    if isinstance(new, ast.Fixpoint | ast.Scan) or isinstance(old, ast.Fixpoint | ast.Scan):
        return isinstance(new, ast.Fixpoint | ast.Scan) and type(new) is type(old) and _same_names(new, old)
    if not set(defined(new)) & set(defined(old)):
        return False
    if _aside(new) or _aside(old):
        return _aside(new) == _aside(old)
    if isinstance(new, ast.Rule) or isinstance(old, ast.Rule):
        return not (isinstance(old, ast.Rule) and isinstance(new, ast.Rule)) and not _relation(old)
    if isinstance(new, ast.Equation) and isinstance(old, ast.Equation):
        same_kind = new.operator == old.operator and len(new.items or ()) == len(old.items or ())
        return not same_kind or pattern(new) == pattern(old)
    return True


def _same_names(new: ast.Fixpoint | ast.Scan, old: ast.Statement) -> bool:
    return isinstance(old, ast.Fixpoint | ast.Scan) and bool(set(new.names) & set(old.names))


def _aside(statement: ast.Statement) -> str:
    """Statements that live beside a definition of the same name: sizes, outputs, bare element types."""
    if isinstance(statement, ast.DimDeclaration):
        return "dim"
    if isinstance(statement, ast.Declaration) and statement.kind in ("output", "tensor"):
        return statement.kind
    return ""


def _relation(statement: ast.Statement) -> bool:
    return isinstance(statement, ast.Declaration) and statement.kind == "relation"


def pattern(equation: ast.Equation) -> str:
    """The left side of an equation with its indices numbered: ``A[i, j.]`` and ``A[x,y]`` are alike."""
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        word = found[0]
        return word if word[0].isupper() else numbers.setdefault(word, f"#{len(numbers)}")

    head, bracket, inside = equation.left.text.partition("[")
    return head.strip() + bracket + re.sub(r"[\s.]", "", _WORD.sub(number, inside))


def written(statement: ast.Statement) -> str:
    """The text of a statement as it was entered; with the words before it that its span leaves out."""
    match statement:
        case ast.DimDeclaration(items=(item,)):
            return f"dim {item.span.text}"
        case ast.Declaration(kind=kind, element=element, items=(declared,)):
            words = (kind if kind != "tensor" else "", element or "", declared.span.text)
            return " ".join(word for word in words if word)
        case ast.ConstDeclaration():
            return f"const {statement.span.text}"
        case ast.Import(names=()):
            return f"import {statement.span.text}"
        case _:
            return statement.span.text.rstrip()
