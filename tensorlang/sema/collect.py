"""Statements to scopes: every name is entered before any expression is looked at, so that equations stand in any order.

In: the statements of a file or of a module's body. Out: entries in the scope and in ``World.tensors``. The actions of a
program are left for ``actions.py``.
"""

from __future__ import annotations

from tensorlang.diagnostics import Problems
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.program import FileRef, Init
from tensorlang.ops import ALONG, INITIALIZERS, POINTWISE, REDUCTIONS, STRUCTURED
from tensorlang.sema import calls, declared, expand, manners, messages
from tensorlang.sema.relations import collect as relations
from tensorlang.sema.resolved import Place, Value
from tensorlang.sema.scope import Instance, Library, Module, Scalar, Scope, TensorInfo, View
from tensorlang.sema.world import World, Written, ast_walk, strip
from tensorlang.source import Span
from tensorlang.syntax import ast

_ELEMENTS = {"float": "float", "float64": "float64", "bf16": "bf16", "int": "int", "bool": "bool", "complex": "complex"}


def collect(
    world: World,
    scope: Scope,
    statements: tuple[ast.Statement, ...],
    inside: ast.Def | None = None,
) -> None:
    """Enter all names of a block. ``inside`` is the module whose body it is;"""
    for statement in statements:
        _environment(world, scope, statement)
    for statement in statements:
        if isinstance(statement, ast.Declaration):
            for item in statement.items:
                _declare(world, scope, statement, item, inside)
    for statement in statements:
        _entered(world, scope, statement, inside)
    relations.settle_rules(world, scope)
    for statement in statements:
        _itself(world, scope, statement)


def _entered(world: World, scope: Scope, statement: ast.Statement, inside: ast.Def | None) -> None:
    """Equations, facts, rules and updates; actions only where they may stand."""
    match statement:
        case ast.Equation() if relations.weighs(world, scope, statement):
            relations.enter_weight(world, scope, statement)
        case ast.Equation():
            _equation(world, scope, statement)
        case ast.Rule():
            relations.enter(world, scope, statement, inside)
        case ast.Update():
            world.updates.append(Written(statement, scope, inside))
        case ast.Query() | ast.Minimize() | ast.Plot() | ast.Save() | ast.Load() | ast.Assert() | ast.Test():
            if inside is not None:
                messages.not_in_a_module(world.problems, statement.span, inside.name)
        case _:
            pass


def _itself(world: World, scope: Scope, statement: ast.Statement) -> None:
    """How tensors that need themselves are computed; the equations of the block are known by now."""
    match statement:
        case ast.Fixpoint():
            declared.declare(world, scope, statement)
        case ast.Scan():
            manners.declare(world, scope, statement)
        case _:
            pass


def _environment(world: World, scope: Scope, statement: ast.Statement) -> None:
    """Dims, constants, modules and imports: what later statements of the block may refer to."""
    match statement:
        case ast.DimDeclaration(items=items):
            for item in items:
                _dim(world, scope, item)
        case ast.ConstDeclaration(name=name, value=value, span=span):
            if _new(world, scope, name, span):
                scope.names[name] = Scalar(Value(span, _constant(world, scope, name, value)))
        case ast.Def(name=name, span=span):
            if _new(world, scope, name, span):
                scope.names[name] = Module(statement, scope)
        case ast.Import():
            _import(world, scope, statement)
        case _:
            pass


def _new(world: World, scope: Scope, name: str, span: Span, kind: str = "") -> bool:
    """Enter a name that must not be taken in this scope."""
    if name in scope.spans:
        messages.defined_twice(world.problems, span, name, scope.spans[name])
        return False
    reserved = name in STRUCTURED or name in ("pi", "inf", "im", "concat", "one_hot", "diff")
    if reserved or (not kind and (name in POINTWISE or name in REDUCTIONS or name in ALONG)):
        messages.reserved_name(world.problems, span, name)
        return False
    scope.spans[name] = span
    return True


def _dim(world: World, scope: Scope, item: ast.Dimension) -> None:
    if item.name in scope.dims:
        messages.defined_twice(world.problems, item.span, item.name, scope.dims[item.name][1])
        return
    given = world.setting.dims.get(item.name) if scope.parent is None else None
    size: Size | None
    if isinstance(listed := strip(item.size) if item.size is not None else None, ast.ListLiteral):
        size = _listed(world, scope, item, listed)
    elif given is not None:
        size = Size.of(given)
    elif item.size is None:
        size = Size.of(Symbol(item.name if scope.parent is None else f"{scope.prefix}{item.name}"))
    else:
        size = expand.size_of_expression(world, scope, item.size)
        if size is None:
            messages.bad_size(world.problems, item.size.span, item.name)
            size = Size.of(Symbol(f"{scope.prefix}{item.name}"))
    if size.constant is not None and size.constant < 1:
        messages.size_not_positive(world.problems, item.span, item.name, size.constant)
        size = Size.of(1)
    if size.constant is not None and item.name in world.batch_names and scope.parent is None:
        symbol = Symbol(item.name)
        world.sizes[symbol] = size.constant
        size = Size.of(symbol)
    scope.dims[item.name] = (size, item.span)


def _listed(world: World, scope: Scope, item: ast.Dimension, node: ast.ListLiteral) -> Size:
    """``dim color = [Red, Green, "dark blue"]``: a domain of these entities and no others."""
    words: list[str] = []
    for entry in node.items:
        inner = strip(entry)
        word = inner.value if isinstance(inner, ast.String) else inner.name if isinstance(inner, ast.Name) else None
        if word is None or word in words:
            messages.listed_entity(world.problems, entry.span, word)
        else:
            words.append(word)
    if scope.parent is not None or scope.prefix:
        messages.listed_in_a_module(world.problems, item.span, item.name)
    world.listed[item.name] = (tuple(words), item.span)
    world.words.update(words)
    return Size.of(max(len(words), 1))


def _constant(world: World, scope: Scope, name: str, node: ast.Expression) -> int | float | Size:
    if scope.parent is None and name in world.setting.values:
        value = world.setting.values[name]
        return int(value) if float(value).is_integer() else value
    size = expand.size_of_expression(world, scope, node)
    if size is not None and not _divides(node):
        return size.constant if size.constant is not None else size
    number = number_of(scope, node)
    if number is None:
        messages.bad_constant(world.problems, node.span, name)
        return 1
    return number


def _divides(node: ast.Expression) -> bool:
    return any(isinstance(part, ast.Factor) and part.operator in ("/", "%") for part in ast_walk(node))


def number_of(scope: Scope, node: ast.Expression) -> float | int | None:
    """A number written with ``+ - * / ^`` over numbers and constants; None where it is none."""
    match strip(node):
        case ast.Number(value=value):
            return value
        case ast.Name(name=name):
            found = scope.find(name)
            if isinstance(found, Scalar) and isinstance(found.value, Value):
                held = found.value.value
                return held if isinstance(held, int | float) else None
            return {"pi": 3.141592653589793, "inf": float("inf")}.get(name)
        case ast.Sum(terms=terms):
            parts = [number_of(scope, term.value) for term in terms]
            known = [p * t.sign for p, t in zip(parts, terms, strict=True) if p is not None]
            return sum(known) if len(known) == len(terms) else None
        case ast.Product(factors=factors):
            return _number_product(scope, factors)
        case ast.Power(base=base, exponent=exponent):
            low, high = number_of(scope, base), number_of(scope, exponent)
            if low is None or high is None or abs(high) > 1000:
                return None
            try:
                result = low**high
            except (OverflowError, ZeroDivisionError):
                return None
            return result if isinstance(result, int | float) else None
        case _:
            return None


def _number_product(scope: Scope, factors: tuple[ast.Factor, ...]) -> float | int | None:
    result: float | int = 1
    for factor in factors:
        part = number_of(scope, factor.value)
        if part is None or (factor.operator in ("/", "%") and part == 0):
            return None
        if factor.operator == "/":
            result = result / part
        elif factor.operator == "%":
            result = result % part
        else:
            result = result * part
    return result


# --- imports -----------------------------------------------------------------------------------------------------


def _import(world: World, scope: Scope, statement: ast.Import) -> None:
    library = _library(world, statement)
    if library is None:
        return
    if not statement.names:
        name = statement.alias or statement.module.rsplit("/", 1)[-1].removesuffix(".tl")
        if _new(world, scope, name, statement.span, "library"):
            scope.names[name] = library
        return
    for name, alias in statement.names:
        found = library.scope.names.get(name)
        if found is None:
            messages.not_in_module(world.problems, statement.span, statement.module, name, library.scope.names)
        elif _new(world, scope, alias, statement.span, "library"):
            scope.names[alias] = found


def _library(world: World, statement: ast.Import) -> Library | None:
    file = world.setting.load_module(statement.module, statement.path, statement.span, world.problems)
    if file is None:
        return None
    # One path means different files in different folders, so a file is told by what was loaded.
    key = id(file)
    if key in world.loading:
        messages.import_cycle(world.problems, statement.span, (*world.loading.values(), statement.module))
        return None
    if key not in world.libraries:
        prefix = f"{statement.module.rsplit('/', 1)[-1].removesuffix('.tl')}."
        inner = Scope(None, prefix, prefix, depth=1)
        world.loading[key] = statement.module
        collect(world, inner, file.statements)
        del world.loading[key]
        world.libraries[key] = Library(inner)
        world.kept.append(file)
    return world.libraries[key]


# --- declarations ------------------------------------------------------------------------------------------------


def _declare(
    world: World, scope: Scope, statement: ast.Declaration, item: ast.Declared, inside: ast.Def | None
) -> None:
    kind = statement.kind
    if kind == "output":
        if inside is None:
            scope.outputs.append((item.name, item.span))
        else:
            messages.not_in_a_module(world.problems, item.span, inside.name)
        return
    if inside is not None and kind in ("input", "data"):
        messages.not_in_a_module(world.problems, item.span, inside.name)
        return
    owner = scope.params if kind in ("param", "buffer") else scope.prefix
    if kind == "relation" and _relation(world, scope, statement, item, owner):
        return
    full = f"{owner}{item.name}"
    if kind in ("param", "buffer") and full in world.tensors and inside is not None and item.name not in scope.spans:
        scope.spans[item.name] = item.span
        shared = world.tensors[full]
        scope.names[item.name] = View(shared, _lead(shared, item.span))
        return
    if not _new(world, scope, item.name, item.span, kind):
        return
    element = _element(world, statement.element or item.element, item.span)
    leading = scope.weights if kind in ("param", "buffer") else scope.leading
    info = TensorInfo(
        full,
        "defined" if kind == "tensor" else kind,
        item.span,
        scope,
        labels=_declared_labels(world, item, leading),
        element=element or (("float" if full in world.setting.weighted else "bool") if kind == "relation" else None),
        init=_init(world, scope, item.init),
        leading=leading,
        declared=True,
        relation=kind == "relation",
    )
    if item.domain is not None:
        _positions(world, scope, info, item)
    _file(world, info, item, kind)
    world.add(info)
    scope.names[item.name] = View(info, _lead(info, item.span))


def _relation(world: World, scope: Scope, statement: ast.Declaration, item: ast.Declared, owner: str) -> bool:
    """Enter a declared relation of truth values, or with weights (``float relation``)."""
    element = statement.element or item.element
    if element not in (None, "float") or item.init is not None or item.domain is not None:
        return False
    if item.value is not None and relations.holds_all_positions(world, item.value):
        return False
    if not _new(world, scope, item.name, item.span, "relation"):
        return True
    labels, kinds = relations.places_of(world, item)
    info = TensorInfo(
        f"{owner}{item.name}",
        "relation",
        item.span,
        scope,
        labels=labels,
        element=element or ("float" if f"{owner}{item.name}" in world.setting.weighted else "bool"),
        declared=True,
        relation=True,
    )
    relations.declare(world, info, item, kinds)
    world.add(info)
    scope.names[item.name] = View(info)
    return True


def _lead(info: TensorInfo, span: Span) -> tuple[Place, ...]:
    return tuple(Place(span, name) for name in info.leading)


def _element(world: World, written: str | None, span: Span) -> str | None:
    if written is None or written in _ELEMENTS:
        return written
    messages.unknown_element(world.problems, span, written, _ELEMENTS)
    return None


def _declared_labels(world: World, item: ast.Declared, leading: tuple[str, ...]) -> tuple[str, ...]:
    found = list(leading)
    for axis in item.axes or ():
        match axis:
            case ast.Name(name=name):
                found.append(name)
            case ast.Number(value=int()):
                found.append(f"axis{len(found)}")
            case _:
                messages.axis_label(world.problems, axis.span)
                found.append(f"axis{len(found)}")
    return tuple(found)


def _positions(world: World, scope: Scope, info: TensorInfo, item: ast.Declared) -> None:
    known = scope.dim(item.domain or "")
    if known is None:
        messages.unknown_positions(world.problems, item.span, item.domain or "", scope.dims)
        info.element = "int"
        return
    info.positions = known[0]
    if info.element not in (None, "int"):
        messages.positions_are_integers(world.problems, item.span, info.name, info.element or "")
    info.element = "int"


def _init(world: World, scope: Scope, node: ast.Expression | None) -> Init | None:
    if node is None:
        return None
    inner = strip(node)
    name = ""
    arguments: tuple[ast.Argument, ...] = ()
    if isinstance(inner, ast.Call) and isinstance(inner.target, ast.Name):
        name, arguments = inner.target.name, inner.arguments
    elif isinstance(inner, ast.Name):
        name = inner.name
    if name not in INITIALIZERS:
        messages.unknown_initializer(world.problems, node.span, name or node.span.text, INITIALIZERS)
        return None
    record = INITIALIZERS[name]
    values = dict(record.arguments)
    order = list(values)
    for at, argument in enumerate(arguments):
        key = argument.name or (order[at] if at < len(order) else "")
        number = number_of(scope, argument.value)
        if key not in values or number is None:
            messages.initializer_argument(world.problems, argument.span, name, order)
            return None
        values[key] = float(number)
    missing = [key for key, value in values.items() if value is None]
    if missing:
        messages.initializer_argument(world.problems, node.span, name, order)
        return None
    return Init(name, tuple(value for value in values.values() if value is not None))


def _file(world: World, info: TensorInfo, item: ast.Declared, kind: str) -> None:
    """``data D[n,i] = load("digits.npz", "X")[0:1500]``; the file's shape binds the sizes of the axes."""
    if item.value is None:
        if kind == "data":
            messages.data_needs_file(world.problems, item.span, item.name)
            info.kind = "input"
        return
    if kind not in ("data", "relation"):
        messages.only_data_loads(world.problems, item.span, item.name, kind)
        return
    reference = file_reference(world.problems, item.value)
    if reference is None:
        return
    info.kind = "data"
    info.file = reference
    found = world.setting.probe(reference, world.problems)
    if found is not None:
        info.shape, element = found
        info.element = info.element or element
        if info.labels is not None and len(info.shape) != len(info.labels):
            messages.file_rank(world.problems, item.span, info, reference.path)
            info.shape = None


def file_reference(problems: Problems, node: ast.Expression) -> FileRef | None:
    inner = strip(node)
    rows: tuple[int | None, int | None] | None = None
    if isinstance(inner, ast.Subscript) and len(inner.items) == 1 and isinstance(inner.items[0], ast.Slice):
        bounds = inner.items[0]
        ends = [
            b.value if isinstance(b, ast.Number) and isinstance(b.value, int) else None
            for b in (bounds.lower, bounds.upper)
        ]
        rows = (ends[0], ends[1])
        inner = strip(inner.target)
    if isinstance(inner, ast.Call) and isinstance(inner.target, ast.Name) and inner.target.name == "load":
        texts = [argument.value.value for argument in inner.arguments if isinstance(argument.value, ast.String)]
        if 1 <= len(texts) <= 2 and len(texts) == len(inner.arguments):
            return FileRef(texts[0], texts[1] if len(texts) > 1 else None, rows, node.span)
    messages.bad_load(problems, node.span)
    return None


# --- equations ---------------------------------------------------------------------------------------------------


def _equation(world: World, scope: Scope, equation: ast.Equation) -> None:
    world.equations += 1
    if world.equations > world.setting.limits.equations:
        if world.equations == world.setting.limits.equations + 1:
            messages.too_many_equations(world.problems, equation.span, world.setting.limits.equations)
        return
    if equation.items is None and _is_instance(world, scope, equation):
        return
    info = _target(world, scope, equation)
    if info is None:
        return
    inner = strip(equation.value)
    if isinstance(inner, ast.ListLiteral) and _bare_or_labelled(equation):
        _literal(world, info, inner, scope, equation)
        return
    info.equations.append((equation, scope))


def _target(world: World, scope: Scope, equation: ast.Equation) -> TensorInfo | None:
    """The tensor that an equation defines, entered where it is new."""
    found = scope.names.get(equation.name)
    if isinstance(found, View):
        info = found.tensor
        if info.kind not in ("defined", "relation") or info.literal is not None or found.tensor.scope is not scope:
            messages.cannot_define(world.problems, equation.left, info)
            return None
        if info.kind == "relation":
            info.kind = "defined"
        info.relation = info.relation or equation.relation
        return info
    if found is not None or not _new(world, scope, equation.name, equation.left, "equation"):
        if found is not None:
            messages.defined_twice(world.problems, equation.left, equation.name, scope.spans[equation.name])
        return None
    info = TensorInfo(
        f"{scope.prefix}{equation.name}",
        "defined",
        equation.left,
        scope,
        leading=scope.leading,
        relation=equation.relation,
    )
    if equation.relation:
        info.element = "bool"
    world.add(info)
    scope.names[equation.name] = View(info, _lead(info, equation.left))
    return info


def _is_instance(world: World, scope: Scope, equation: ast.Equation) -> bool:
    """``net = Classifier(c=10)``: an application that leaves out the tensors names an instance; ``net()`` is itself."""
    inner = strip(equation.value)
    if (
        not isinstance(inner, ast.Call)
        or equation.operator != "="
        or not expand.names_module(scope, strip(inner.target))
    ):
        return False
    frame = expand.frame_of(world, scope, f"{scope.prefix}{equation.name}", equation)
    target = strip(inner.target)
    if isinstance(target, ast.Subscript):
        return False
    quiet = Problems()
    world.problems, kept = quiet, world.problems
    entity = calls.module_of(frame, target)
    world.problems = kept
    if isinstance(entity, Instance) and not inner.arguments and _leaves_out_tensors(entity.module, entity.arguments):
        instance = entity
    elif isinstance(entity, Module) and _leaves_out_tensors(entity, inner.arguments):
        prefix = f"{scope.params}{equation.name}."
        instance = Instance(entity, inner.arguments, scope, prefix, scope.weights)
    else:
        return False
    if _new(world, scope, equation.name, equation.left, "instance"):
        scope.names[equation.name] = instance
    return True


def _leaves_out_tensors(module: Module, arguments: tuple[ast.Argument, ...]) -> bool:
    named = {argument.name for argument in arguments if argument.name is not None}
    formals = [formal for formal in module.definition.formals if formal.name not in named]
    return any(formal.axes is not None for formal in formals[len(arguments) - len(named) :])


def _bare_or_labelled(equation: ast.Equation) -> bool:
    """Whether a left side is a bare name, or names its axes by distinct indices and nothing else."""
    names = [item.name for item in equation.items or () if isinstance(item, ast.Name)]
    return len(set(names)) == len(equation.items or ())


def _literal(world: World, info: TensorInfo, node: ast.ListLiteral, scope: Scope, equation: ast.Equation) -> None:
    """``W = [0.2, 1.9]``: a tensor whose elements are written in the program."""
    if info.equations or info.declared or equation.operator != "=" or scope.leading:
        messages.cannot_define(world.problems, equation.left, info)
        return
    shape: list[int] = []
    level: list[ast.Expression] = [node]
    while level and isinstance(strip(level[0]), ast.ListLiteral):
        rows = [strip(item) for item in level]
        lengths = {len(row.items) if isinstance(row, ast.ListLiteral) else -1 for row in rows}
        if len(lengths) != 1 or 0 in lengths:
            messages.ragged_literal(world.problems, node.span)
            info.unsure, info.labels = True, ()
            return
        shape.append(lengths.pop())
        level = [item for row in rows if isinstance(row, ast.ListLiteral) for item in row.items]
    values = [number_of(scope, item) for item in level]
    if any(value is None for value in values):
        at = next(item for item, value in zip(level, values, strict=True) if value is None)
        messages.literal_numbers(world.problems, at.span)
        info.unsure, info.labels = True, ()
        return
    if equation.items is not None:
        info.labels = tuple(item.name for item in equation.items if isinstance(item, ast.Name))
        info.declared = True
        if len(info.labels) != len(shape):
            messages.literal_rank(world.problems, node.span, info.name, info.labels, len(shape))
            info.kind = "input"
            return
    else:
        info.labels = expand._whole_labels(expand.frame_of(world, scope, info.name, equation), node)
    info.literal = tuple(value for value in values if value is not None)
    info.kind, info.shape = "data", tuple(shape)
    info.element = info.element or ("int" if all(isinstance(v, int) for v in values) else "float")
