"""Relations on pairs in an export: their columns are arguments, and the model makes of them what it needs itself.

In: a plan whose arguments of the kind ``pairs`` are made before a call. Out: the plan of a model that takes columns, in
any order and with repetitions, sorts them, and makes row pointers, orders and unions as its first steps.
"""

from __future__ import annotations

from dataclasses import replace

from tensorlang.ir.code import Code, Extent, Items, Number, Ref, call, extent, parts
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.pairs import KIND, Recipe
from tensorlang.ir.plan import Argument, Binding, Plan
from tensorlang.ir.program import Program
from tensorlang.passes.naming import KERNELS, Names


def taking_columns(plan: Plan, program: Program, relations: tuple[str, ...]) -> Plan:
    """The plan of a model that is given the columns of relations."""
    making = _Making(plan, Names(KERNELS.union(argument.name for argument in plan.arguments)))
    given = [making.given(name, program) for name in relations]
    for argument in plan.arguments:
        if argument.kind == KIND:
            making.make(argument.tensor)
    arguments = tuple(replace(a, kind="made") if a.kind == KIND else a for a in plan.arguments)
    columns = tuple(argument for group in given for argument in group)
    bindings, numbers = _sizes(making, (*columns, *arguments), program)
    made = tuple((name, code) for name, code in making.lines)
    return replace(plan, arguments=(*columns, *arguments, *numbers), made=made, made_sizes=bindings)


class _Making:
    """The lines that make arguments, each once, in order."""

    def __init__(self, plan: Plan, names: Names) -> None:
        self.plan, self.names = plan, names
        self.known = {argument.tensor: argument.name for argument in plan.arguments if argument.kind == KIND}
        self.lines: list[tuple[str, Code]] = []
        self.done: dict[str, Code] = {}

    def given(self, relation: str, program: Program) -> list[Argument]:
        """The columns of a relation as a caller gives them, and the lines that sort them."""
        pairs = program.pairs[relation]
        places = len(program.tensors[relation].axes)
        found = []
        for column in pairs.columns[:places]:
            name = self.names.fresh(f"{column}.given")
            found.append(Argument(name, column, "given", (Size.of(pairs.count),), "int"))
        for place, column in enumerate(pairs.columns[:places]):
            self.known.setdefault(column, self.names.fresh(column))
            numbers = (Number(place), Number(places), *(extent(size) for size in pairs.sizes[:places]))
            code = call("pairs_union", Items(tuple(Ref(argument.name) for argument in found)), Items(numbers))
            self.lines.append((self.known[column], code))
            self.done[column] = Ref(self.known[column])
        return found

    def make(self, tensor: str) -> Code:
        """An argument of the kind ``pairs``."""
        if tensor not in self.done:
            recipe = self.plan.recipes[tensor]
            self.done[tensor] = Ref(self.known.setdefault(tensor, self.names.fresh(tensor)))
            self.lines.append((self.known[tensor], self._code(recipe)))
        return self.done[tensor]

    def _code(self, recipe: Recipe) -> Code:
        tensors = tuple(self.make(name) for name in recipe.reads)
        numbers = tuple(
            Number(argument) if isinstance(argument, int) else extent(argument)
            for argument in recipe.arguments
            if not isinstance(argument, str)
        )
        return call(recipe.kernel, Items(tensors), Items(numbers or (Number(0),)))


def _sizes(
    making: _Making, arguments: tuple[Argument, ...], program: Program
) -> tuple[tuple[Binding, ...], tuple[Argument, ...]]:
    """How the sizes that the lines name are found: from an axis of what is given, else they are given too."""
    wanted = {symbol for _, code in making.lines for symbol in _symbols(code)}
    bindings: list[Binding] = []
    numbers: list[Argument] = []
    given = {argument.tensor: argument.name for argument in arguments if argument.kind == "size"}
    for symbol in sorted(wanted, key=lambda symbol: symbol.name):
        known = program.sizes.get(symbol)
        if known is not None:
            bindings.append(Binding(symbol, str(known), None, 0, Size.of(0), 1))
            continue
        place = _place(symbol, arguments)
        if place is not None:
            bindings.append(Binding(symbol, making.names.fresh(symbol.name), *place, Size.of(0), 1))
        else:
            name = given.get(symbol.name) or making.names.fresh(symbol.name)
            if symbol.name not in given:
                numbers.append(Argument(name, symbol.name, "given", (), "size"))
            bindings.append(Binding(symbol, name, None, 0, Size.of(0), 1))
    return tuple(bindings), tuple(numbers)


def _place(symbol: Symbol, arguments: tuple[Argument, ...]) -> tuple[str, int] | None:
    """An axis of an input that is a size."""
    inputs = (argument for argument in arguments if argument.kind == "input")
    return next(((a.name, at) for a in inputs for at, size in enumerate(a.shape) if size.symbol == symbol), None)


def _symbols(code: Code) -> frozenset[Symbol]:
    own = code.size.symbols if isinstance(code, Extent) else frozenset[Symbol]()
    return own.union(*map(_symbols, parts(code)))
