"""The stages up to the generated source: text to tree to Program, and every form on the way as text.

In: a source, the caller's options, the program's folder. Out: ``Checked`` (tree, Program, problems), the Plan and
source for some of its tensors, or a stage as text. No torch is imported here.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from tensorlang.data.files import Access, chosen
from tensorlang.data.relations import read_relation
from tensorlang.diagnostics import Problems, RunError, nearest, run_error
from tensorlang.ir.domain import Size
from tensorlang.ir.listing import Giver, Listing, Progress
from tensorlang.ir.mode import Mode, in_mode
from tensorlang.ir.pairs import stored_on_pairs, told_on_pairs
from tensorlang.ir.program import Action, FileRef, MinimizeAction, Program, TestAction
from tensorlang.library import Library, decode
from tensorlang.options import Options
from tensorlang.records import dataclass, field, fields
from tensorlang.sema import analyse
from tensorlang.sema.setting import Setting
from tensorlang.soundness import check_rules
from tensorlang.source import Source, Span
from tensorlang.syntax import ast
from tensorlang.syntax.parse import parse

if TYPE_CHECKING:
    from tensorlang.ir.plan import Plan

DTYPES = ("float32", "float64", "bfloat16")


@dataclass(frozen=True, slots=True)
class Checked:
    """A source after its check. ``program`` is None when ``problems`` holds errors."""

    source: Source
    file: ast.File
    program: Program | None
    problems: Problems

    def correct(self) -> Program:
        """The program; raises ``CompileError`` where there is none."""
        self.problems.raise_errors()
        assert self.program is not None, "the analysis gave neither a program nor an error"
        return self.program


def read_source(path: str, options: Options) -> Source:
    """The text of a program file that the caller named; raises ``RunError`` (E0619) when it cannot be read."""
    access, name = chosen(path, options.limits)
    try:
        with access.open_read(name, None) as stream:
            content = stream.read(options.limits.source + 1)
    except RunError as problem:
        reason = problem.diagnostics[0].message
        tips = _nearby(path) if problem.diagnostics[0].code == "E0709" else ()
        raise run_error("E0619", f"cannot read the program `{path}`: {reason}", help=tips) from None
    return decode(content, path, options.limits)


def _nearby(path: str) -> tuple[str, ...]:
    folder, name = os.path.split(path)
    try:
        near = nearest(name, [entry for entry in os.listdir(folder or ".") if entry.endswith(".tl")])
    except OSError:
        near = None
    return (f"did you mean `{os.path.join(folder, near)}`?",) if near else ()


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that a program's files lie in (None: it has none), and those of sources that have their own."""

    folder: str | None = None
    others: Mapping[Source, str] = field(default_factory=dict)

    def of(self, source: Source) -> str | None:
        return self.others.get(source, self.folder)

    def access(self, options: Options, span: Span | None = None) -> Access:
        """What the statement at a place may touch."""
        folder = self.folder if span is None else self.of(span.source)
        return Access(folder, options.allow_read, options.allow_write, options.limits)


@contextmanager
def collection_paused() -> Iterator[None]:
    """No garbage collection meanwhile: compiling makes many small objects that stay, and looking at them all again and
    again would take half of the time of a large program."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def check(source: Source, options: Options, folder: str | None = None) -> Checked:
    """Parse and analyse; never raises on a wrong program: see ``problems``. ``folder`` is where its files may lie."""
    problems = Problems()
    with collection_paused():
        file = parse(source, problems, options.limits)
        return check_tree(source, file, problems, options, Home(folder))


def check_tree(
    source: Source,
    file: ast.File,
    problems: Problems,
    options: Options,
    home: Home,
    listings: dict[tuple[FileRef, tuple[str, ...]], Listing] | None = None,
    weighted: frozenset[str] = frozenset(),
) -> Checked:
    """Analyse a tree (of one source or of several).

    ``listings`` keeps the rows of files between analyses; ``weighted`` are relations that have weights for truth
    values.
    """
    program = None
    _check_options(options, problems)
    if not problems.errors:
        kept = {} if listings is None else listings
        library = Library(home.access(options), {s: home.access(options, Span(s, 0, 0)) for s in home.others})
        setting = Setting(
            dims=options.dims,
            values=options.values,
            limits=options.limits,
            load_module=library.load,
            probe=lambda file, problems: _probe(home.access(options, file.span), file, problems),
            rows=lambda file, labels, problems: _rows(
                home.access(options, file.span), file, labels, problems, kept, options.progress
            ),
            relations={**_named_files(options), **options.relations},
            weighted=weighted,
        )
        program = analyse(file, setting, problems)
        if program is not None:
            _check_values(options, file, program, problems)
            _check_learning(program.actions, problems)
            if program.facts is not None and program.facts.rulebook.rules:
                check_rules(program.facts, problems)
    return Checked(source, file, None if problems.errors else program, problems)


def _probe(access: Access, file: FileRef, problems: Problems) -> tuple[tuple[int, ...], str] | None:
    from tensorlang.data import probe

    try:
        found = probe(access, file)
    except RunError as wrong:
        for problem in wrong.diagnostics:
            problems.report(problem)
        return None
    return found.shape, found.dtype


_TABLES = (".csv", ".tsv", ".txt", ".json", ".parquet")


def _named_files(options: Options) -> dict[str, Giver]:
    """Relations whose rows are in files that the caller named: ``--input Parent=parents.csv``."""

    def giver(path: str) -> Giver:
        def give(labels: Sequence[str], span: Span, problems: Problems) -> Listing | None:
            access, name = chosen(path, options.limits)
            return _rows(access, FileRef(name, None, None, span), labels, problems, {}, options.progress)

        return give

    return {name: giver(path) for name, path in options.inputs.items() if path.lower().endswith(_TABLES)}


def _rows(
    access: Access,
    file: FileRef,
    labels: Sequence[str],
    problems: Problems,
    kept: dict[tuple[FileRef, tuple[str, ...]], Listing],
    progress: Progress | None,
) -> Listing | None:
    try:
        columns = (file, tuple(labels))  # relations may take other columns of one file
        if columns not in kept:
            kept[columns] = read_relation(access, file, labels, progress)
        return kept[columns]
    except RunError as wrong:
        for problem in wrong.diagnostics:
            problems.report(problem)
        return None


def _check_learning(actions: tuple[Action, ...], problems: Problems) -> None:
    """Methods and settings of every training exist and are in range."""
    for action in actions:
        if isinstance(action, TestAction):
            _check_learning(action.actions, problems)
        elif isinstance(action, MinimizeAction):
            from tensorlang.learn import check_learning

            try:
                rows = action.batch[1] if action.batch is not None else None
                check_learning(action.method, action.options, action.schedule, rows, action.span)
            except RunError as wrong:
                for problem in wrong.diagnostics:
                    problems.report(problem)


def _check_values(options: Options, file: ast.File, program: Program, problems: Problems) -> None:
    """Every number that the caller sets is a constant or a scalar input of the program."""
    known = [statement.name for statement in file.statements if isinstance(statement, ast.ConstDeclaration)]
    known += [tensor.name for tensor in program.of_kind("input") if not tensor.axes]
    for name in options.values:
        if name not in known:
            near = nearest(name, known)
            help = f"did you mean `{near}`?" if near else f"they are {', '.join(known) or 'none'}"
            problems.error("E0616", f"there is no `const` or scalar input `{name}` to set", help=[help])


def _check_options(options: Options, problems: Problems) -> None:
    if options.dtype not in DTYPES:
        near = nearest(options.dtype, DTYPES)
        help = [f"did you mean `{near}`?" if near else f"it can be {', '.join(DTYPES)}"]
        problems.error("E0615", f"`{options.dtype}` is no element type to compute in", help=help)
    budget = options.memory_budget
    if isinstance(budget, bool) or not isinstance(budget, int) or budget < 0:
        problems.error("E0914", f"the memory budget was given as {budget!r}: it must be a whole number of bytes")
    for name, size in options.dims.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            problems.error(
                "E0611", f"the size of `{name}` was given as {size!r}: it must be a whole number of at least 1"
            )


# --- what a program needs ----------------------------------------------------------------------------------------


def known_tensor(program: Program, name: str) -> str:
    """The name, if the program has such a tensor; raises ``RunError`` with the nearest spelling."""
    if name in program.tensors:
        return name
    shown = [known for known in program.tensors if known.isidentifier() or "." in known]
    near = nearest(name, shown)
    help = (
        (f"did you mean `{near}`?",)
        if near
        else (f"it has {', '.join(f'`{n}`' for n in shown[:12])}",)
        if shown
        else ()
    )
    raise run_error("E0609", f"the program has no tensor `{name}`", help=help)


def planned(program: Program, outputs: Sequence[str], empty: frozenset[Size] = frozenset(), inside: str = "") -> Plan:
    """The plan that computes some tensors of a program; ``empty`` are sizes that are 0.

    ``inside`` begins the names of the functions of its loops. Where the program still leaves
    the mode open, it is evaluation.
    """
    from tensorlang.passes import optimise
    from tensorlang.passes.schedule import schedule
    from tensorlang.passes.vanishing import without_empty

    with collection_paused():
        part = in_mode(program, Mode.EVALUATION).restricted(tuple(outputs))
        return schedule(optimise(without_empty(part, empty) if empty else part), inside)


# --- stages as text ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def stages() -> tuple[str, ...]:
    """The names of the stages, in the order in which they run."""
    from tensorlang.passes import PIPELINE

    return ("tree", "program", *(name for name, _ in PIPELINE), "plan", "source")


def explain(
    source: Source,
    options: Options,
    folder: str | None = None,
    name: str | None = None,
    stage: str = "program",
    pairs: tuple[str, ...] = (),
) -> str:
    """The program after a stage, as text; ``name`` narrows it to one tensor and what it is made of.

    Raises ``CompileError`` when the program is wrong or the name or stage is unknown.
    """
    return explained(check(source, options, folder), name, stage, pairs)


def explained(checked: Checked, name: str | None = None, stage: str = "program", pairs: tuple[str, ...] = ()) -> str:
    """A checked program after a stage, as text; with some of its relations on pairs."""
    if stage not in stages():
        near = nearest(stage, stages())
        tips = [f"did you mean `{near}`?"] if near else []
        raise run_error("E0618", f"there is no stage `{stage}`", help=[*tips, f"the stages are {', '.join(stages())}"])
    from tensorlang.ir.show import show
    from tensorlang.passes import optimise
    from tensorlang.passes.schedule import schedule

    program = checked.correct()
    for relation in pairs:
        if program.tensors[known_tensor(program, relation)].kind != "relation":
            raise run_error("E0750", f"`{relation}` is no relation that could be on pairs")
    if name is not None:
        program = program.restricted((known_tensor(program, name),))
    held = {*pairs, *told_on_pairs(program)}
    if held and stage not in ("tree", "program"):
        program = stored_on_pairs(program, held)
    if stage == "tree":
        return "\n".join(_tree(checked.file, name))
    if stage == "program":
        return "".join(f"{line}\n" for line in _told(program)) + show(program)
    program = in_mode(program, Mode.EVALUATION)
    if stage == "plan":
        from tensorlang.ir.plan import show_plan

        return show_plan(schedule(optimise(program)))
    if stage == "source":
        from tensorlang.backends.torch_source import generate

        return generate(schedule(optimise(program)))
    return show(optimise(program, until=stage))


def _told(program: Program) -> Iterator[str]:
    """Relations that facts, files and rules define: what stands at their places, their rows, their rules as written."""
    if program.facts is None:
        return
    on_pairs = told_on_pairs(program)
    for name, relation in program.facts.rulebook.relations.items():
        if name.startswith("?"):
            continue
        places = ", ".join(map(str, relation.sorts))
        count = program.facts.given[name].count
        said = [f"{count:,} row{'s' if count != 1 else ''} given"] if count else []
        said += ["read on pairs"] if name in on_pairs else ["read as a table"] if name in program.tensors else []
        yield f"relation {name}({places})" + (f"  # {', '.join(said)}" if said else "")
    for rule in program.facts.rulebook.rules:
        if not rule.head.relation.startswith("?"):
            yield " ".join(rule.span.text.split())


def latex(checked: Checked, name: str | None = None, explicit: bool = False) -> str:
    """The equations in LaTeX: as they are written, or (``explicit``) as they are meant, with every sum written out.

    ``name`` narrows them to one tensor; explicit ones to what it is made of, too.
    """
    from tensorlang.typeset import document

    program = checked.correct()
    if name is not None:
        known_tensor(program, name)
    if explicit:
        from tensorlang.ir.latex import rows

        return document(_printable(rows(program if name is None else program.restricted((name,))), name))
    from tensorlang.syntax.latex import equation

    equations = [s for s in checked.file.statements if isinstance(s, ast.Equation)]
    return document(_printable([equation(s) for s in equations if name is None or s.name == name], name))


def _printable(rows: Sequence[tuple[str, str]], name: str | None) -> Sequence[tuple[str, str]]:
    """The rows of a document, which is none without any: LaTeX refuses an empty one."""
    if not rows:
        message = "the program has no equations to print" if name is None else f"no equation computes `{name}`"
        help = "an equation says what each element of a tensor is: `Y[b,o] = W[o,i] X[b,i]`"
        raise run_error("E0749", message, help=[help if name is None else "name a tensor that an equation defines"])
    return rows


def _tree(file: ast.File, name: str | None) -> Iterator[str]:
    """A line for each node of the tree: its kind and plain fields, its parts below it."""
    kept = [s for s in file.statements if name is None or getattr(s, "name", None) == name]
    stack: list[tuple[ast.Node, int, str]] = [(statement, 0, "") for statement in reversed(kept)]
    while stack:
        node, depth, label = stack.pop()
        plain, below = _fields(node)
        yield "  " * depth + label + " ".join((type(node).__name__, *plain))
        stack.extend((part, depth + 1, f"{field}: ") for field, part in reversed(below))


def _fields(node: ast.Node) -> tuple[list[str], list[tuple[str, ast.Node]]]:
    plain: list[str] = []
    below: list[tuple[str, ast.Node]] = []
    for entry in fields(node):
        value = getattr(node, entry.name)
        if entry.name in ("span", "left") or value is None or value == ():
            continue
        parts = [part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, ast.Node)]
        below += [(entry.name, part) for part in parts]
        if not parts:
            plain.append(f"{entry.name}={value}" if isinstance(value, str) else f"{entry.name}={value!r}")
    return plain, below
