"""Queries from Python over a compiled program's relations: ``prog.query``, ``prog.facts``, ``prog.why``.

In: a query as the language writes it, without its question mark. Out: bindings or the lines of a proof. The query is
analysed as the last statement of the program; what was derived before is not derived again.
"""

from __future__ import annotations

from tensorlang.compiled import Compiled
from tensorlang.deduction import Deduction, all_rows, answered
from tensorlang.diagnostics import Problems, nearest, run_error
from tensorlang.ir.program import AskAction, WhyAction
from tensorlang.report import Answers
from tensorlang.source import Source
from tensorlang.stages import check_tree
from tensorlang.statements import ACTIONS
from tensorlang.syntax import ast
from tensorlang.syntax.parse import parse


def query(compiled: Compiled, text: str) -> Answers:
    """The bindings for which conditions over relations hold. Raises ``CompileError`` where the query is wrong."""
    action, deduction = _asked(compiled, text, False)
    if not isinstance(action, AskAction):
        help = "a query names relations of facts and rules; `evaluate` gives tensors"
        raise run_error("E1122", f"`{text}` asks for no relation", help=[help])
    return answered(deduction, action)


def why(compiled: Compiled, text: str) -> str | None:
    """A proof of one fact as an indented tree; None where it does not hold."""
    action, deduction = _asked(compiled, text, True)
    assert isinstance(action, WhyAction), "`why` asks for a proof or is refused"
    lines = deduction.proof(action.goal)
    return None if lines is None else "\n".join(lines)


def facts(compiled: Compiled, name: str) -> Answers:
    """All rows of a relation, given and derived."""
    known = compiled.program.facts.rulebook.relations if compiled.program.facts is not None else {}
    if name not in known or name.startswith("?"):
        near = nearest(name, [word for word in known if not word.startswith("?")])
        help = [f"did you mean `{near}`?"] if near else ["relations come from facts, files and rules"]
        raise run_error("E1122", f"the program has no relation `{name}`", help=help)
    return all_rows(compiled.deduction, name, name, known[name].labels)


def _asked(compiled: Compiled, text: str, proof: bool) -> tuple[object, Deduction]:
    """The query as an action, and what follows from the program with it."""
    problems = Problems()
    source = Source("<query>", f"{'why ' if proof else ''}{text.strip().removesuffix('?')}?")
    new = parse(source, problems, compiled.options.limits)
    problems.raise_errors()
    kept = tuple(s for s in compiled.checked.file.statements if not isinstance(s, ACTIONS))
    tree = ast.File((*kept, *new.statements), span=new.span)
    checked = check_tree(compiled.checked.source, tree, problems, compiled.options, compiled.home, compiled.listings)
    program = checked.correct()
    if program.facts is None:
        raise run_error("E1122", f"`{text}` asks for no relation", help=["the program has no facts and no rules"])
    deduction = Deduction(program.facts, compiled.options.limits)
    if compiled.program.facts is not None:
        deduction.share(compiled.deduction)
    return program.actions[-1], deduction
