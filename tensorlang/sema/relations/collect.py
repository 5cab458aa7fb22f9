"""Relations as statements enter them: which are facts and rules, which a call gives, which equations define.

A relation is *told* where facts, a file, the caller of the compiler, or rules over told relations say what is true:
all of that is known before any tensor is. A rule that reads anything else is an equation (``lowered.py``).
"""

from __future__ import annotations

from tensorlang.diagnostics import Problems
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.listing import Listing
from tensorlang.ir.program import FileRef
from tensorlang.records import dataclass, field
from tensorlang.sema import messages
from tensorlang.sema.relations import lowered
from tensorlang.sema.relations.aggregates import aggregate_of
from tensorlang.sema.scope import Scalar, Scope, TensorInfo, View
from tensorlang.sema.world import World, ast_walk, strip
from tensorlang.syntax import ast

KINDS = ("int", "float", "word")


@dataclass(slots=True, eq=False)
class Told:
    """What a program says of one relation.

    ``kinds`` are the annotations of its places (``km: int``, ``parent: person``), None without.

    A relation of numbers has weights: those of its facts, and a column behind its places in what fills it.
    """

    info: TensorInfo
    places: int
    kinds: tuple[str | None, ...]
    named: bool = False
    facts: list[ast.Rule] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    rules: list[tuple[ast.Rule, Scope]] = field(default_factory=list)
    file: FileRef | None = None
    listing: Listing | None = None

    @property
    def weighted(self) -> bool:
        return self.info.element == "float"

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns of what fills it."""
        return (*(self.info.labels or ()), *(("weight",) if self.weighted else ()))

    @property
    def given(self) -> bool:
        """Whether rows of it are known without any rule."""
        return bool(self.facts) or self.file is not None or self.listing is not None


def places_of(world: World, item: ast.Declared) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
    """The names of a declared relation's places, and their kinds where they are annotated: ``city``, ``km: int``."""
    labels: list[str] = []
    kinds: list[str | None] = []
    for axis in item.axes or ():
        match axis:
            case ast.Name(name=name):
                labels.append(name)
                kinds.append(None)
            case ast.Slice(lower=ast.Name(name=name), upper=ast.Name(name=kind)):
                labels.append(name)
                kinds.append(kind)
            case ast.Number(value=int()):
                labels.append(f"axis{len(labels)}")
                kinds.append(None)
            case _:
                messages.place_label(world.problems, axis.span)
                labels.append(f"axis{len(labels)}")
                kinds.append(None)
    return tuple(labels), tuple(kinds)


def declare(world: World, info: TensorInfo, item: ast.Declared, kinds: tuple[str | None, ...]) -> None:
    """Remember a declared relation; a file or the caller of the compiler fills it."""
    info.over = tuple(domain_of(label, kind) or label for label, kind in zip(info.labels or (), kinds, strict=True))
    told = Told(info, len(info.labels or ()), kinds, named=True)
    if item.value is not None:
        from tensorlang.sema.collect import file_reference

        told.file = file_reference(world.problems, item.value)
    given = world.setting.relations.get(info.name)
    if given is not None:
        told.listing = given(told.columns, item.span, world.problems)
    world.told[info.name] = told


def holds_all_positions(world: World, value: ast.Expression) -> bool:
    """Whether a file holds truth values or weights at all positions, not rows: then it is data like any other."""
    from tensorlang.sema.collect import file_reference

    file = file_reference(Problems(), value)
    if file is None:
        return False
    kind = file.path.rpartition(".")[2].lower()
    if kind in ("safetensors", "png"):
        return True
    if kind not in ("npy", "npz"):
        return False
    found = world.setting.probe(file, Problems())
    return found is not None and found[1] != "int"


def enter(world: World, scope: Scope, rule: ast.Rule, inside: ast.Def | None) -> None:
    """Keep a fact or a rule with the relation that it speaks of, which it makes known where it is new."""
    assert isinstance(rule.head.target, ast.Name), "the parser sees to heads"
    told = _relation(world, scope, rule)
    if told is None:
        return
    if len(rule.head.arguments) != told.places:
        messages.wrong_places_of(world.problems, rule.head.span, told.info, told.places, len(rule.head.arguments))
        return
    if rule.body and told.weighted:
        messages.rule_of_numbers(world.problems, rule.head.span, told.info)
    elif rule.body:
        told.rules.append((rule, scope))
    elif inside is not None:
        messages.fact_in_a_module(world.problems, rule.span, inside.name)
    else:
        told.facts.append(rule)
        told.weights += [1.0] * (len(told.facts) - 1 - len(told.weights))


def weighs(world: World, scope: Scope, equation: ast.Equation) -> bool:
    """Whether an equation states a weight: ``Road(Ulm, Bonn) = 440`` of a relation of numbers."""
    found = scope.names.get(equation.name)
    told = world.told.get(found.tensor.name) if isinstance(found, View) else None
    if told is None or not told.weighted or not equation.relation or equation.operator != "=":
        return False
    from tensorlang.sema.collect import number_of

    constants = all(_constant(scope, item) for item in equation.items or ())
    return constants and equation.where is None and number_of(scope, equation.value) is not None


def _constant(scope: Scope, item: ast.Item) -> bool:
    match item:
        case ast.Number() | ast.String():
            return True
        case ast.Name(name=name):
            return name[0].isupper() or isinstance(scope.find(name), Scalar)
        case _:
            return False


def enter_weight(world: World, scope: Scope, equation: ast.Equation) -> None:
    """Keep a fact with its weight."""
    from tensorlang.sema.collect import number_of

    items = tuple(item for item in equation.items or () if isinstance(item, ast.Name | ast.Number | ast.String))
    places = tuple(ast.Argument(item, span=item.span) for item in items)
    head = ast.Call(ast.Name(equation.name, span=equation.left), places, span=equation.left)
    found = scope.names[equation.name]
    assert isinstance(found, View)
    told = world.told[found.tensor.name]
    before = len(told.facts)
    enter(world, scope, ast.Rule(head, (), span=equation.span), None)
    if len(told.facts) > before:
        told.weights.append(float(number_of(scope, equation.value) or 0))


def _relation(world: World, scope: Scope, rule: ast.Rule) -> Told | None:
    assert isinstance(rule.head.target, ast.Name)
    name, span = rule.head.target.name, rule.head.target.span
    found = scope.names.get(name)
    if isinstance(found, View):
        if found.tensor.name in world.told:
            return world.told[found.tensor.name]
        messages.not_a_relation(world.problems, span, found.tensor)
        return None
    from tensorlang.sema.collect import _new

    if found is not None or not _new(world, scope, name, span, "relation"):
        if found is not None:
            messages.defined_twice(world.problems, span, name, scope.spans[name])
        return None
    labels = tuple(_label(argument.value, at) for at, argument in enumerate(rule.head.arguments))
    info = TensorInfo(
        f"{scope.prefix}{name}", "relation", span, scope, labels=_distinct(labels), element="bool", relation=True
    )
    world.add(info)
    scope.names[name] = View(info)
    told = Told(info, len(labels), (None,) * len(labels))
    world.told[info.name] = told
    return told


def _label(node: ast.Expression, at: int) -> str:
    """What a place is called where no declaration names it: as the variable in the first head."""
    inner = strip(node)
    aggregate = aggregate_of(inner)
    if aggregate is not None:
        return aggregate[0]
    return inner.name if isinstance(inner, ast.Name) and inner.name[0].islower() else f"axis{at}"


def _distinct(labels: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for label in labels:
        while label in found:
            label += "'"
        found.append(label)
    return tuple(found)


def settle_rules(world: World, scope: Scope) -> None:
    """Tell rules from equations once all statements of a block are entered.

    What is left in ``world.told`` has rows or rules over told relations; everything else is an input or an equation.
    """
    own = [told for told in world.told.values() if told.info.scope is scope]
    for told in own:
        _look(world, told)
        if told.info.equations and (told.given or told.rules):
            where = told.facts[0].span if told.facts else told.rules[0][0].span if told.rules else told.info.span
            messages.facts_and_equations(world.problems, where, told.info)
    dense = {told.info.name for told in own if not told.given and not told.rules}
    moved = True
    while moved:
        moved = False
        for told in own:
            name = told.info.name
            if name not in dense and any(_reads_more(world, s, rule, dense) for rule, s in told.rules):
                dense.add(name)
                moved = True
    for told in own:
        if told.info.name in dense:
            _not_told(world, told)
        else:
            _name_domains(told)


def _look(world: World, told: Told) -> None:
    """Read the rows of a file, unless the caller gives others, and note all words: they mean entities from now on."""
    if told.file is not None and told.listing is None:
        told.listing = world.setting.rows(told.file, told.columns, world.problems)
    for column in told.listing.columns if told.listing is not None else ():
        found = zip(column.values, column.numbers(), strict=True)
        world.words.update(value for value, number in found if number is None and isinstance(value, str))
    for fact in told.facts:
        for node in ast_walk(fact.head):
            if isinstance(node, ast.String):
                world.words.add(node.value)
            elif isinstance(node, ast.Name) and node is not fact.head.target and _means_nothing_else(told, node.name):
                world.words.add(node.name)


def _means_nothing_else(told: Told, name: str) -> bool:
    return name[0].isupper() and told.info.scope.find(name) is None


def domain_of(label: str, kind: str | None) -> str | None:
    """The domain of a declared place: what it is annotated with, or called; None where it holds plain numbers."""
    return None if kind in ("int", "float") else label.rstrip("'") if kind in (None, "word") else kind


def _name_domains(told: Told) -> None:
    """The names of a declared relation's places are domains: ``|person|`` is the number of its entities."""
    scope = told.info.scope
    for label, kind in zip(told.info.labels or (), told.kinds, strict=True):
        base = domain_of(label, kind)
        if told.named and base is not None and scope.dim(base) is None:
            scope.dims[base] = (Size.of(Symbol(f"{scope.prefix}{base}")), told.info.span)


def _not_told(world: World, told: Told) -> None:
    """A relation that a call gives, or that equations define."""
    del world.told[told.info.name]
    if not told.rules:
        return
    if told.given:
        messages.facts_beside_inputs(world.problems, told.rules[0][0].span, told.info)
        return
    told.info.kind = "defined"
    for rule, scope in told.rules:
        equation = lowered.equation(world, rule)
        if equation is None:
            told.info.unsure = True
        else:
            told.info.equations.append((equation, scope))


def _reads_more(world: World, scope: Scope, rule: ast.Rule, dense: set[str]) -> bool:
    """Whether the body of a rule reads a tensor, or a relation that is not told."""
    for condition in rule.body:
        for node in ast_walk(condition):
            if isinstance(node, ast.Subscript | ast.Attribute):
                return True
            name = node.target.name if isinstance(node, ast.Call) and isinstance(node.target, ast.Name) else None
            if isinstance(node, ast.Name):
                name = node.name
            found = scope.find(name) if name is not None else None
            if isinstance(found, View) and (found.tensor.name in dense or found.tensor.name not in world.told):
                return True
    return False
