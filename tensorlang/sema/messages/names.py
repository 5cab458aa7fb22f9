"""Prose for problems with names, modules, declarations and imports (E02xx)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tensorlang.diagnostics import Problems, nearest
from tensorlang.sema.scope import TensorInfo
from tensorlang.source import Span
from tensorlang.syntax import ast


def did_you_mean(name: str, known: Iterable[str]) -> list[str]:
    near = nearest(name, (word for word in known if not word.startswith("?")))
    return [f"did you mean `{near}`?"] if near else []


def form(name: str, labels: Sequence[str]) -> str:
    return f"{name}[{','.join(labels)}]" if labels else name


def unknown_tensor(problems: Problems, span: Span, name: str, known: Iterable[str]) -> None:
    help_ = did_you_mean(name, known) or [f"declare it (`input {name}`, `param {name}`) or define it by an equation"]
    problems.error("E0201", f"`{name}` is neither defined nor declared", (span, "read here"), help=help_)


def unknown_function(problems: Problems, span: Span, name: str, known: Iterable[str]) -> None:
    help_ = did_you_mean(name, known) or ["a factor in brackets is set off by a space: `a (b + c)`"]
    problems.error("E0202", f"there is no function or module `{name}`", span, help=help_)


def defined_twice(problems: Problems, span: Span, name: str, first: Span) -> None:
    problems.error("E0203", f"`{name}` is declared twice", (span, "again here"), (first, "first here"))


def cannot_define(problems: Problems, span: Span, info: TensorInfo) -> None:
    what = "written out as a literal" if info.literal is not None else f"given from outside as `{info.kind}`"
    if info.kind == "defined":
        what = "defined in another place"
    problems.error(
        "E0204",
        f"`{info.name}` is {what} and cannot be defined by an equation too",
        (span, "this equation defines it"),
        (info.span, "declared here"),
        help=["give the equation's tensor another name"],
    )


def not_an_entity(problems: Problems, span: Span, name: str, known: Iterable[str]) -> None:
    help_ = did_you_mean(name, known) or [
        f"an index starts with a small letter; a number is named by `const {name} = ...`"
    ]
    problems.error("E0205", f"`{name}` is no entity, constant or index of this axis", span, help=help_)


def needs_indices(problems: Problems, span: Span, name: str, labels: Sequence[str]) -> None:
    problems.error(
        "E0206",
        f"`{name}` has {_axes(len(labels))} and is read here without indices",
        span,
        help=[f"write `{form(name, labels)}`"],
    )


def _axes(count: int) -> str:
    return "no axes" if count == 0 else "one axis" if count == 1 else f"{count} axes"


def wrong_rank(problems: Problems, span: Span, info: TensorInfo, labels: Sequence[str], got: int) -> None:
    problems.error(
        "E0207",
        f"`{info.name}` has {_axes(len(labels))}, but {'is' if got else 'stands'} here with {got or 'no'} "
        f"{'index' if got == 1 else 'indices'}",
        (span, f"found {got}"),
        (info.span, f"`{form(info.name, labels)}`, expected {len(labels)}"),
    )


def not_a_value(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0208", f"`{name}` is a module, not a tensor", span, help=[f"apply it to tensors: `{name}(X)`"])


def not_a_tensor(problems: Problems, span: Span) -> None:
    problems.error("E0208", "index brackets stand behind something that is no tensor", (span, "not a tensor"))


def not_a_module(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0208", f"`{name}` is not an imported module", span)


def unknown_module(problems: Problems, span: Span, name: str, known: Iterable[str]) -> None:
    help_ = did_you_mean(name, known) or [f"bring it in with `import {name}`"]
    problems.error("E0209", f"no module `{name}` is imported", span, help=help_)


def import_cycle(problems: Problems, span: Span, names: Sequence[str]) -> None:
    problems.error("E0282", "files import each other in a circle", span, notes=[" -> ".join(names)])


def modules_too_deep(problems: Problems, span: Span, name: str, limit: int) -> None:
    problems.error(
        "E0904",
        f"modules stand inside modules more than {limit} deep",
        (span, f"`{name}` is applied here"),
        notes=["a module that applies itself never ends"],
        help=["raise the limit with --limit-modules if the depth is meant"],
    )


def unknown_argument(problems: Problems, span: Span, definition: ast.Def, name: str, twice: bool) -> None:
    formals = [formal.name for formal in definition.formals]
    what = f"gives `{name}` twice" if twice else f"has no formal `{name}`"
    help_ = did_you_mean(name, formals) or [f"its formals are {', '.join(formals)}"]
    problems.error(
        "E0213", f"`{definition.name}` {what}" if not twice else f"`{name}` is given twice", span, help=help_
    )


def too_many_arguments(problems: Problems, span: Span, definition: ast.Def, got: int) -> None:
    count = len(definition.formals)
    problems.error(
        "E0213",
        f"`{definition.name}` takes {count} arguments, found {got}",
        (span, "one too many"),
        (definition.span, ""),
    )


def missing_arguments(problems: Problems, span: Span, definition: ast.Def, missing: Sequence[str]) -> None:
    names = ", ".join(f"`{name}`" for name in missing)
    problems.error("E0213", f"`{definition.name}` is not given {names}", (span, "applied here"), (definition.span, ""))


def whole_tensor_needed(problems: Problems, span: Span) -> None:
    problems.error(
        "E0218",
        "a module maps whole tensors: its argument must be a tensor's name or another application",
        (span, "found an expression"),
        help=["give the expression a name by an equation of its own, and pass that"],
    )


def lead_must_be_index(problems: Problems, span: Span) -> None:
    problems.error("E0218", "a module is applied for each value of an index, found something else", span)


def formal_rank(problems: Problems, span: Span, formal: ast.Formal, least: int, have: int, open_ended: bool) -> None:
    more = "at least " if open_ended else ""
    problems.error(
        "E0207",
        f"`{formal.name}` needs a tensor with {more}{_axes(least)}, found {_axes(have)}",
        (span, f"has {_axes(have)}"),
        (formal.span, "expected by this formal"),
        help=["write what indices are left over behind the result: `Linear(X, o=3)[b,o]`"] if "[" in span.text else [],
    )


def no_result(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0214", f"`{name}` gives no result", (span, "no `-> Y[...]`"))


def result_not_defined(problems: Problems, span: Span, module: str, name: str) -> None:
    problems.error("E0214", f"no equation in `{module}` defines its result `{name}`", span)


def result_needs_indices(problems: Problems, span: Span, labels: Sequence[str]) -> None:
    problems.error(
        "E0206",
        f"the result has {_axes(len(labels))} and is read here without indices",
        span,
        help=[f"write indices behind it: `{span.text}[{','.join(labels)}]`"],
    )


def not_in_module(problems: Problems, span: Span, module: str, name: str, known: Iterable[str]) -> None:
    problems.error("E0215", f"`{module}` has nothing called `{name}`", span, help=did_you_mean(name, known))


def reserved_name(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0216", f"`{name}` is built in", span, help=[f"choose another name, such as `{name}_`"])


def rest_length(problems: Problems, span: Span, count: int | None, rest: Sequence[str] | None) -> None:
    if rest is None:
        problems.error("E0217", "nothing on the right says what `...` stands for", span)
        return
    problems.error(
        "E0217",
        f"`...` stands for {_axes(len(rest))} ({', '.join(rest) or 'none'}) elsewhere, here for {count}",
        span,
    )


def tensor_called(problems: Problems, span: Span, name: str) -> None:
    problems.error(
        "E0219",
        f"`{name}` is a tensor: its indices stand in square brackets, and a factor in brackets behind a space",
        span,
        help=[f"write `{name}[...]` for an element, or `{name} (...)` for a product"],
    )


def applied_to_bracket(problems: Problems, span: Span) -> None:
    problems.error(
        "E0219",
        "a bracket stands right behind something that is no function",
        (span, "not a function or a module"),
        help=[f"put a space before the bracket for a product: `{span.text} (...)`"],
    )


def function_needs_brackets(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0219", f"`{name}` is a function: its argument stands in round brackets", span)


def unknown_parameter(problems: Problems, span: Span, name: str, known: Iterable[str]) -> None:
    known = list(known)
    help_ = did_you_mean(name, known) or [f"the parameters are {', '.join(known) or 'none'}"]
    problems.error("E0221", f"there is no parameter `{name}`", span, help=help_)


def unknown_initializer(problems: Problems, span: Span, name: str, known: Iterable[str]) -> None:
    known = list(known)
    help_ = did_you_mean(name, known) or [f"there are {', '.join(known)}"]
    problems.error("E0222", f"there is no initialiser `{name}`", span, help=help_)


def initializer_argument(problems: Problems, span: Span, name: str, order: Sequence[str]) -> None:
    words = f"numbers for {', '.join(order)}" if order else "no arguments"
    problems.error("E0222", f"`{name}` takes {words}", span)


def not_in_a_module(problems: Problems, span: Span, module: str) -> None:
    problems.error("E0223", f"this statement has no meaning inside the module `{module}`", span)


def bad_constant(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0224", f"the value of `const {name}` is not a number known beforehand", span)


def bad_size(problems: Problems, span: Span, name: str) -> None:
    problems.error(
        "E0225",
        f"the size of `dim {name}` is not an integer over other sizes",
        span,
        help=["sizes are numbers, constants and |other dims| with + - * /"],
    )


def unknown_element(problems: Problems, span: Span, name: str, known: Iterable[str]) -> None:
    problems.error("E0226", f"there is no element type `{name}`", span, help=[f"there are {', '.join(known)}"])


def axis_label(problems: Problems, span: Span) -> None:
    problems.error("E0227", "an axis of a declaration is labelled by an index name", (span, "found this"))


def data_needs_file(problems: Problems, span: Span, name: str) -> None:
    problems.error(
        "E0228", f"`data {name}` does not say where it is read from", span, help=['write `= load("file.csv")`']
    )


def only_data_loads(problems: Problems, span: Span, name: str, kind: str) -> None:
    problems.error(
        "E0228",
        f"`{kind} {name}` cannot be loaded in its declaration",
        span,
        help=[f'write `data {name}... = load("...")`'],
    )


def bad_load(problems: Problems, span: Span) -> None:
    problems.error("E0228", 'expected `load("file")`, `load("file", "key")` or one of them with rows `[a:b]`', span)


def file_rank(problems: Problems, span: Span, info: TensorInfo, path: str) -> None:
    shape = " x ".join(map(str, info.shape or ())) or "a single number"
    problems.error(
        "E0229", f"`{info.name}` is declared with {_axes(len(info.labels or ()))}, but {path!r} holds {shape}", span
    )


def positions_are_integers(problems: Problems, span: Span, name: str, element: str) -> None:
    problems.error("E0226", f"`{name}` holds positions (`in ...`), which are int, not {element}", span)


def updated_along(problems: Problems, span: Span, name: str, along: list[str]) -> None:
    """A module that updates its buffer, applied along an index over which the buffer is shared."""
    words = ", ".join(f"`{index}`" for index in along)
    message = f"`{name}` is one buffer for all of {words}, so this `update` gives it a value for each"
    problems.error("E0233", message, span, help=[
        f"give each its own: apply the module as `Block[{along[0]}](...)`, or update it where {words} is summed",
    ])  # fmt: skip


def only_buffers_update(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0230", f"`update` changes buffers, and `{name}` is none", span, help=[f"declare `buffer {name}`"])


def ragged_literal(problems: Problems, span: Span) -> None:
    problems.error("E0231", "the rows of this literal do not all have the same length, or are empty", span)


def literal_rank(problems: Problems, span: Span, name: str, labels: Sequence[str], depth: int) -> None:
    problems.error(
        "E0207", f"`{form(name, labels)}` has {_axes(len(labels))}, but the literal is nested {depth} deep", span
    )


def literal_numbers(problems: Problems, span: Span) -> None:
    problems.error("E0231", "an element of a literal is not a number known beforehand", span)


def literal_here(problems: Problems, span: Span) -> None:
    problems.error(
        "E0231",
        "a literal in square brackets is the whole right side of an equation",
        span,
        help=["give it a name first: `W = [1, 2, 3]`"],
    )


def never_defined(problems: Problems, info: TensorInfo) -> None:
    problems.error("E0232", f"`{info.name}` is declared, but no equation defines it", info.span)


def rank_unknown(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0217", f"the number of axes of `{name}` depends on itself", span)


def too_many_equations(problems: Problems, span: Span, limit: int) -> None:
    problems.error(
        "E0906",
        f"the program has more than {limit} equations",
        (span, "one too many"),
        help=["raise it with --limit-equations"],
    )
