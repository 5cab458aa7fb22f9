"""Sizes of a call: which number each size symbol of a program has, given the shapes of the tensors at hand.

In: tensors of the program with the shapes they have (inputs of this call, data, parameters that have their size).
Out: a number for every symbol, or a ``RunError`` that names the index, both places and both sizes. An axis of size
``n`` binds ``n``; one of size ``2 n + 1`` is solved for ``n``; what is then known is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tensorlang.diagnostics import RunError, diagnostic, run_error
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.program import Program, Tensor
from tensorlang.records import dataclass
from tensorlang.source import Span


@dataclass(frozen=True, slots=True)
class Shaped:
    """A tensor with the shape it has here; ``how`` says so in a word: given, loaded or sized (by an earlier call)."""

    tensor: Tensor
    shape: tuple[int, ...]
    how: str = "given"

    @property
    def words(self) -> str:
        return f"`{declared(self.tensor)}` {self.how} as {in_words(self.shape)}"


@dataclass(frozen=True, slots=True)
class Origin:
    """What bound a symbol: words, and the place if it has one. ``span`` is None for what the caller gave by name.

    ``kept`` says that it is a parameter that took its size before.
    """

    value: int
    words: str
    span: Span | None
    axis: str
    kept: bool = False


Bindings = dict[Symbol, Origin]


def declared(tensor: Tensor) -> str:
    """``input X[b,i]``."""
    return f"{tensor.kind if tensor.kind != 'defined' else 'tensor'} {titled(tensor)}"


def titled(tensor: Tensor) -> str:
    """``X[b,i]``, or ``Edge(n,n')`` for a relation."""
    if not tensor.axes:
        return tensor.name
    labels = ",".join(axis.label for axis in tensor.axes)
    return f"{tensor.name}({labels})" if tensor.kind == "relation" else f"{tensor.name}[{labels}]"


def in_words(shape: Sequence[int | str]) -> str:
    """``32 x 20``; a number for a shape without axes."""
    return " x ".join(map(str, shape)) if shape else "a single number"


def known_sizes(program: Program, given_dims: Mapping[str, int]) -> Bindings:
    """The symbols that are bound before any call: by the caller's dims and by the program's files."""
    bindings: Bindings = {}
    for symbol, value in program.sizes.items():
        by_caller = given_dims.get(symbol.name) == value
        words = f"given for `dim {symbol.name}`" if by_caller else "from a file of the program"
        bindings[symbol] = Origin(value, words, None, symbol.name)
    return bindings


def bind(program: Program, shaped: Iterable[Shaped], known: Bindings) -> Bindings:
    """All symbols that the shapes determine; ``RunError`` for a wrong rank, a clash, or a size without solution."""
    bindings = dict(known)
    waiting = []
    for given in shaped:
        _check_rank(given)
        for position, axis in enumerate(given.tensor.axes):
            waiting.append((given, position, axis.size))
    while waiting:
        rest = [item for item in waiting if not _settle(*item, bindings, program)]
        if len(rest) == len(waiting):
            break
        waiting = rest
    return bindings


def numbers(bindings: Bindings) -> dict[Symbol, int]:
    return {symbol: origin.value for symbol, origin in bindings.items()}


def _check_rank(given: Shaped) -> None:
    tensor = given.tensor
    if len(given.shape) == len(tensor.axes):
        return
    axes = f"{len(tensor.axes)} axes" if len(tensor.axes) != 1 else "1 axis"
    found = f"{len(given.shape)} axes" if len(given.shape) != 1 else "1 axis"
    raise run_error(
        "E0603",
        f"{tensor.kind} `{tensor.name}` has {axes if tensor.axes else 'no axes'}, but was {given.how} with {found}",
        (tensor.span, f"{given.how} as {in_words(given.shape)}"),
        help=_rank_help(given),
    )


def _rank_help(given: Shaped) -> Iterable[str]:
    name, wanted = given.tensor.name, titled(given.tensor)
    if len(given.shape) == len(given.tensor.axes) - 1:
        return (f"`{wanted}` has `{given.tensor.axes[0].label}` in front: give `{name}[None]` for a single one",)
    return ()


def _settle(given: Shaped, position: int, size: Size, bindings: Bindings, program: Program) -> bool:
    """Bind or check one axis; False when too little is known yet."""
    actual = given.shape[position]
    label = given.tensor.axes[position].label
    symbol = size.symbol
    if symbol is not None:
        if symbol not in bindings:
            bindings[symbol] = Origin(actual, given.words, given.tensor.span, label, given.how == "sized")
        elif bindings[symbol].value != actual:
            raise _clash(given, label, actual, bindings[symbol])
        return True
    left = size.substitute({s: Size.of(o.value) for s, o in bindings.items()})
    if left.constant is not None:
        if left.constant != actual:
            raise _misfit(given, position, size, left.constant, bindings, program)
        return True
    solved = _solve(left, actual)
    if solved is None:
        return False
    unknown, value = solved
    if value is None:
        message = (
            f"no size `{unknown}` makes axis `{label}` of `{given.tensor.name}`, which is `{size}`, equal to {actual}"
        )
        raise run_error("E0604", message, (given.tensor.span, f"{given.how} as {in_words(given.shape)}"))
    words = f"solved from {given.words}, whose axis `{label}` is `{size}`"
    bindings[unknown] = Origin(value, words, given.tensor.span, str(unknown))
    return True


def _solve(size: Size, actual: int) -> tuple[Symbol, int | None] | None:
    """``2 n + 1 = 7`` gives (n, 3); (n, None) where no whole number does; None if not linear in one unknown."""
    unknown: Symbol | None = None
    offset = factor = 0
    for monomial, coefficient in size.terms:
        if not monomial:
            offset = coefficient
        elif len(monomial) == 1 and isinstance(monomial[0], Symbol) and unknown is None:
            unknown, factor = monomial[0], coefficient
        else:
            return None
    if unknown is None:
        return None
    value, rest = divmod(actual - offset, factor)
    return unknown, (value if rest == 0 and value >= 0 else None)


def _clash(given: Shaped, label: str, actual: int, first: Origin) -> RunError:
    name = label if label == first.axis else f"{label}` and `{first.axis}"
    verb = "has" if label == first.axis else "are one, but have"
    places: list[Span | tuple[Span, str] | None] = [(given.tensor.span, f"{actual}, {given.words}")]
    notes = []
    if first.span is not None:
        places.append((first.span, f"{first.value}, from {first.words}"))
    else:
        notes.append(f"{first.value} was {first.words}")
    if first.kept:
        message = f"axis `{label}` of `{given.tensor.name}` has size {actual}, but parameters have taken {first.value}"
        help = ("a module keeps the sizes of its first call (or loaded weights): make another for other sizes",)
        return RunError([diagnostic("E0614", message, *places, notes=notes, help=help)])
    what = "index" if label == first.axis else "indices"
    message = f"{what} `{name}` {verb} two sizes: {first.value} and {actual}"
    return RunError([diagnostic("E0301", message, *places, notes=notes)])


def _misfit(given: Shaped, position: int, size: Size, wanted: int, bindings: Bindings, program: Program) -> RunError:
    axis = given.tensor.axes[position]
    message = f"axis `{axis.label}` of `{given.tensor.name}` must have size {wanted}, not {given.shape[position]}"
    notes = [
        f"`{symbol}` is {bindings[symbol].value}, {bindings[symbol].words}" for symbol in sorted(size.symbols, key=str)
    ]
    if size.constant is not None:
        base = axis.label.rstrip("'")
        declared_dim = program.dims.get(base)
        if declared_dim is not None and declared_dim.constant == wanted:
            notes.append(f"the program says `dim {base} = {wanted}`")
    else:
        notes.insert(0, f"its size is `{size}`")
    place = (given.tensor.span, f"{given.how} as {in_words(given.shape)}")
    return RunError([diagnostic("E0604", message, place, notes=notes)])


def check_program(program: Program, bindings: Bindings) -> None:
    """Every tensor of the program has a known size of at least 0, and sizes that must agree do."""
    values = numbers(bindings)
    for tensor in program.tensors.values():
        for axis in tensor.axes:
            unbound = sorted(axis.size.symbols - values.keys(), key=str)
            if unbound:
                raise _unbound(tensor, axis.label, unbound[0])
            if axis.size.value(values) < 0:
                raise _negative(tensor, axis.label, axis.size, bindings)
    for left, right, span in program.equalities:
        if not (left.symbols | right.symbols) <= values.keys():
            continue
        if left.value(values) != right.value(values):
            raise _unequal(left, right, span, bindings)


def _unbound(tensor: Tensor, label: str, symbol: Symbol) -> RunError:
    name = symbol.name if symbol.name.isidentifier() else label
    return run_error(
        "E0610",
        f"the size of `{label}` in `{declared(tensor)}` is not known",
        tensor.span,
        help=(
            f'give it: `dim {name} = ...` in the program, `--dim {name}=...`, or `dims={{"{name}": ...}}` in Python',
        ),
    )


def _sources(size: Size, bindings: Bindings) -> list[str]:
    return [f"`{s}` is {bindings[s].value}, {bindings[s].words}" for s in sorted(size.symbols, key=str)]


def _negative(tensor: Tensor, label: str, size: Size, bindings: Bindings) -> RunError:
    value = size.value(numbers(bindings))
    message = f"axis `{label}` of `{tensor.name}` would have size {value}"
    notes = [f"its size is `{size}`", *_sources(size, bindings)]
    return RunError([diagnostic("E0613", message, tensor.span, notes=notes)])


def _unequal(left: Size, right: Size, span: Span, bindings: Bindings) -> RunError:
    values = numbers(bindings)
    message = f"two sizes must agree here: {left.value(values)} and {right.value(values)}"
    notes = [*_sources(left, bindings), *(s for s in _sources(right, bindings) if s not in _sources(left, bindings))]
    return RunError([diagnostic("E0301", message, (span, f"`{left}` and `{right}`"), notes=notes)])
