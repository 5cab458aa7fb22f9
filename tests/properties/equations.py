"""Random equations: the forms that a statement can take, each adding a line, and a tensor that later lines may read."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from .generate import Generated, World, base, condition, exact, function, read, real, reduction
from .patterns import PATTERNS
from .semirings import SEMIRINGS
from .words import LOOSE, MULTIPLIED, RAISED, SUMMED, TIGHT, Phrase, fill, product_of, summed_by_rule, term_sum, word

Form = Callable[[World], None]
NAMES = ("i", "j", "k", "m", "n")


def program(source: random.Random, equations: int = 5, only: Sequence[Form] = ()) -> Generated:
    """A random program of a few equations, of any form or of some forms only."""
    world = World(source)
    for name in source.sample(NAMES, source.randint(2, 4)):
        world.sizes[name] = source.choice((1, 2, 2, 3, 3, 4))
        world.declared.add(name)
        if world.chance(0.5):
            world.fixed.add(name)
    _declare_dims(world)
    if world.chance(0.3):
        world.sizes["u"] = source.randint(1, 3)
        world.add_input(("u",) if world.chance(0.5) else (world.dim(), "u"))
    for _ in range(source.randint(1, equations)):
        world.used.clear()
        world.contracts = world.leaves = True
        source.choice(only or source.choices((FORMS, PATTERNS, SEMIRINGS), (14, 5, 3))[0])(world)
    if not world.lines:
        plain(world)
    made = tuple(dict.fromkeys(line.text.split(" ")[0].split("[")[0] for line in world.lines))
    # What is no output may be inlined into what reads it, or fused with it.
    outputs = tuple(name for name in made if name == made[-1] or world.chance(0.5))
    lines = [f"output {', '.join(outputs)}"]
    text, meant = ("\n".join([*world.heads, *(getattr(line, form) for line in world.lines), *lines, ""])
                   for form in ("text", "meant"))  # fmt: skip
    sizes = {name: world.sizes[name] for name in world.declared - world.fixed}
    return Generated(text, meant, world.arrays, sizes, outputs)


def _declare_dims(world: World) -> None:
    """Dims with a number, and dims that an input of theirs binds."""
    for name in sorted(world.declared):
        world.heads.append(f"dim {name} = {world.sizes[name]}" if name in world.fixed else f"dim {name}")
    for name in sorted(world.declared - world.fixed):
        world.add_input((name,))


def _left(world: World, most: int = 3) -> list[str]:
    """New indices for a left side; sometimes one of a dim that only the axes of some tensor have."""
    dims = world.random.choices(sorted(world.declared), k=world.random.randint(0, most))
    loose = sorted({dim for tensor in world.tensors for dim in tensor.dims} - world.declared)
    if loose and most > 1 and len(dims) < most and world.chance(0.4):
        dims.append(world.random.choice(loose))
    return [world.fresh(dim) for dim in dims]


def _loose(world: World, indices: list[str]) -> tuple[str, ...]:
    """The indices whose domain only a read gives them: the right side must hold them bare."""
    return tuple(index for index in indices if base(index) not in world.declared)


def _write(world: World, left: str, operator: str, value: Phrase, meant: Phrase | None = None, where: str = "") -> None:
    """One line; ``meant`` is another right side with an ``=`` that says the same."""
    other = f"{left} = {meant.meant}" if meant is not None else f"{left} {operator} {value.meant}"
    world.lines.append(Phrase(f"{left} {operator} {value.text}{where}", f"{other}{where}"))


def _define(world: World, indices: list[str], stem: str = "T") -> tuple[str, str]:
    """A new tensor over the dims of the indices; its left side and its name. It can be read once it is registered."""
    name = world.name(stem)
    return (f"{name}[{','.join(indices)}]" if indices else name), name


def _register(world: World, name: str, indices: list[str], kind: str = "float", exact_values: bool = False) -> None:
    world.add_known(name, tuple(base(index) for index in indices), kind, exact_values)


def _guard(world: World, indices: list[str]) -> Phrase:
    """A condition without sums of its own."""
    world.guarded, world.contracts, world.leaves = True, False, False
    return condition(world, indices, 1)


def _top(world: World, scope: list[str], depth: int) -> Phrase:
    """A right side: terms, some of which leave indices over, which are summed at the top."""
    terms = []
    for _ in range(world.random.choice((1, 1, 2, 3))):
        sign = world.random.choice("++-")
        must = () if terms else _loose(world, scope)
        if must or world.chance(0.7):
            terms.append((sign, real(world, scope, depth, must)))
            continue
        over = world.fresh(world.dim())
        factors = [read(world, [*scope, over], (over,))]
        if world.chance(0.5):
            factors.append(real(world, scope, depth - 1))
        terms.append((sign, summed_by_rule((over,), product_of(factors, world.chance(0.5)))))
    return term_sum(terms)


# --- forms -------------------------------------------------------------------------------------------------------


def plain(world: World) -> None:
    indices = _left(world)
    left, name = _define(world, indices)
    _write(world, left, "=", _top(world, indices, 3))
    _register(world, name, indices)


def whole(world: World) -> None:
    """Sums and products of quarters: what may be compared and rounded later."""
    indices = _left(world, 2)
    left, name = _define(world, indices, "E")
    value = exact(world, indices, 2).inside(RAISED)
    if loose := _loose(world, indices):
        value = product_of([read(world, indices, loose, ("float", "int"), True), value], False)
    _write(world, left, "=", fill("0.5 + {}", value.inside(MULTIPLIED), level=SUMMED))
    _register(world, name, indices, exact_values=sum(t.exact for t in world.tensors if t.name.startswith("E")) < 2)


def guarded(world: World) -> None:
    indices = _left(world)
    left, name = _define(world, indices, "G")
    value = _top(world, indices, 2)
    if not indices:
        return plain(world)
    when = _guard(world, indices)
    world.lines.append(Phrase(f"{left} = {value.text} where {when.text}", f"{left} = {value.meant} where {when.meant}"))
    return _register(world, name, indices)


def truth(world: World) -> None:
    indices = _left(world, 2)
    left, name = _define(world, indices, "B")
    value = condition(world, indices, 2)
    if loose := _loose(world, indices):
        held = read(world, indices, loose, ("float", "int"), True)
        value = fill("{} > 0 and {}", held, value.inside(TIGHT), level=LOOSE)
    _write(world, left, "=", value)
    _register(world, name, indices, "bool")


def aggregate(world: World) -> None:
    """``max=`` and its kin over one or two more indices."""
    indices = _left(world, 2)
    left, name = _define(world, indices, "A")
    over = [world.fresh(world.dim()) for _ in range(world.random.choice((1, 1, 2)))]
    scope = [*indices, *over]
    operator, op = world.random.choice((("max=", "max"), ("min=", "min"), ("avg=", "mean"), ("logsumexp=", "logsumexp"),
                                        ("+=", "sum"), ("prod=", "prod")))  # fmt: skip
    value = read(world, scope, (*over, *_loose(world, indices)))
    world.leaves = False
    if operator != "+=" and world.chance(0.5):
        value = term_sum([("+", value), ("+", function(world, indices, 1, ()))])
    elif world.chance(0.5):
        value = product_of([value, read(world, scope, (over[0],)), function(world, indices, 1, ())], False)
    meant = fill(f"{op}[{','.join(over)}]({{}})", value)
    _write(world, left, operator, value, meant)
    if not world.guarded or operator in ("avg=", "+="):
        _register(world, name, indices)


def logical(world: World) -> None:
    """``or=`` and ``and=``."""
    indices = _left(world, 2)
    left, name = _define(world, indices, "O")
    over = world.fresh(world.dim())
    operator, op = world.random.choice((("or=", "any"), ("and=", "all")))
    held = read(world, [*indices, over], (over, *_loose(world, indices)), ("bool",))
    value = fill("{} and {}", held, condition(world, indices, 0).inside(TIGHT))
    _write(world, left, operator, value, fill(f"{op}[{over}]({{}})", value))
    _register(world, name, indices, "bool")


def special(world: World) -> None:
    """A general equation and special cases of it."""
    dims = [dim for dim in world.declared if dim in world.fixed]
    if not dims:
        return plain(world)
    first = world.fresh(world.random.choice(sorted(dims)))
    indices = [first, *_left(world, 1)]
    left, name = _define(world, indices, "S")
    _write(world, left, "=", _top(world, indices, 2))
    rest = indices[1:]
    last = world.sizes[base(first)] - 1
    for place in {0, last} if world.chance(0.5) else {0}:
        _write(world, f"{name}[{','.join([str(place), *rest])}]", "=", _top(world, rest, 1))
    if rest and base(rest[0]) == base(first) and world.chance(0.5):
        _write(world, f"{name}[{first},{first}]", "=", _top(world, [first], 1))
    return _register(world, name, indices)


def added(world: World) -> None:
    """Several equations with ``+=`` on one tensor."""
    indices = _left(world, 2)
    left, name = _define(world, indices, "U")
    for _ in range(2):
        _write(world, left, "+=", real(world, indices, 2, _loose(world, indices)))
    _register(world, name, indices)


def convolution(world: World) -> None:
    """A new index that stands only in sums with a kernel's: over all places where every access is inside."""
    pairs = [(a, b) for a in world.declared for b in world.declared if a != b and world.sizes[a] >= world.sizes[b]]
    if not pairs:
        return plain(world)
    along_dim, kernel = world.random.choice(sorted(pairs))
    place, shift = world.name("x"), world.fresh(kernel)
    world.sizes[place] = world.sizes[along_dim] - world.sizes[kernel] + 1
    other = _left(world, 1)
    left, name = _define(world, [*other, place], "V")
    signal, taps = world.add_input((along_dim,)), read(world, [*other, shift], (shift,))
    factors = [taps, word(f"{signal.name}[{place}+{shift}]")]
    _write(world, left, "=", summed_by_rule((shift,), product_of(factors, True)))
    return _register(world, name, [*other, place])


def strided(world: World) -> None:
    """Arithmetic on the left: pooling and shifting."""
    index = world.fresh(world.dim())
    size = world.sizes[base(index)]
    place = world.name("p")
    forms = ((f"{index}/2", (size + 1) // 2), (f"{index}+1", size + 1), (f"2*{index}", 2 * size - 1))
    form, length = world.random.choice(forms)
    world.sizes[place] = length
    other = _left(world, 1)
    name = world.name("H")
    operator = world.random.choice(("=", "max=", "avg=", "+="))
    world.leaves = operator in ("=", "+=")
    value = (real if world.leaves else function)(world, [index, *other], 1, (index,))
    _write(world, f"{name}[{','.join([form, *other])}]", operator, value)
    if operator != "max=":
        _register(world, name, [place, *other])


def scatter(world: World) -> None:
    """Values added where an integer tensor says."""
    into = world.dim()
    index = world.fresh(world.dim())
    at = world.add_positions((base(index),), into)
    other = _left(world, 1)
    name = world.name("D")
    left = f"{name}[{','.join([f'{at.name}[{index}]', *other])}]"
    _write(world, left, "+=", real(world, [index, *other], 2, (index,)))
    _register(world, name, [into, *other])


def flattened(world: World) -> None:
    """Two axes laid out as one, and taken apart again."""
    a, b = world.fresh(world.dim()), world.fresh(world.dim())
    other = _left(world, 1)
    name = world.name("F")
    _write(world, f"{name}[{','.join([*other, f'({a} {b})'])}]", "=", real(world, [a, b, *other], 2, (a, b)))
    if world.chance(0.6):
        left, apart = _define(world, [b, *other, a], "Q")
        _write(world, left, "=", word(f"{name}[{','.join([*other, f'({a} {b})'])}]"))
        _register(world, apart, [b, *other, a])
    place = world.name("f")
    world.sizes[place] = world.sizes[base(a)] * world.sizes[base(b)]
    _register(world, name, [*other, place])


def concatenated(world: World) -> None:
    """Two tensors end to end along a new axis."""
    kept = _left(world, 1)
    parts = [world.fresh(world.dim()) for _ in "ab"]
    place, name = world.name("c"), world.name("K")
    reads = [read(world, [*kept, part], (*kept, part)) for part in parts]
    if not all(set(kept) <= set(base_words(phrase.text)) for phrase in reads):
        return
    world.sizes[place] = sum(world.sizes[base(part)] for part in parts)
    joined = fill(f"concat[{place}]({{}}, {{}})", *reads)
    _write(world, f"{name}[{','.join([*kept, place])}]", "=", joined)
    _register(world, name, [*kept, place])


def base_words(text: str) -> list[str]:
    """The bare entries of a read."""
    return text[text.find("[") + 1 : -1].split(",")


def dotted(world: World) -> None:
    """A function along the index that is marked on the left."""
    indices = _left(world, 2)
    if not indices:
        return plain(world)
    at = world.random.randrange(len(indices))
    name, op = world.name("L"), world.random.choice(("softmax", "lnorm", "cumsum", "log_softmax"))
    marked = [f"{index}." if k == at else index for k, index in enumerate(indices)]
    value = real(world, indices, 2, tuple({indices[at]: 0, **dict.fromkeys(_loose(world, indices))}))
    text = f"{name}[{','.join(marked)}] = {op}({value.text})"
    where, meant_where = "", ""
    if world.chance(0.4) and op != "log_softmax":
        when = _guard(world, indices)
        where, meant_where = f" where {when.text}", f" where {when.meant}"
    meant = f"{name}[{','.join(indices)}] = {op}[{indices[at]}]({value.meant})"
    world.lines.append(Phrase(text + where, meant + meant_where))
    return _register(world, name, indices)


def positions(world: World) -> None:
    """An integer tensor to gather with, so that later entries may use it."""
    world.add_positions(tuple(world.random.sample(sorted(world.declared), 1)), world.dim())
    plain(world)


def found(world: World) -> None:
    """Where the largest or smallest stands, and counts."""
    indices = _left(world, 1)
    left, name = _define(world, indices, "W")
    over = world.fresh(world.dim())
    op = world.random.choice(("argmax", "argmin", "count", "std"))
    held = (over, *_loose(world, indices))
    values = product_of([read(world, [*indices, over], held, ("float", "int"), True), exact(world, indices, 1)], False)
    _write(world, left, "=", fill(f"{op}[{over}]({{}})", values))
    _register(world, name, indices, "float" if op == "std" else "int")


def reduced(world: World) -> None:
    indices = _left(world, 2)
    left, name = _define(world, indices, "R")
    _write(world, left, "=", reduction(world, indices, 3, _loose(world, indices)))
    _register(world, name, indices)


def complex_numbers(world: World) -> None:
    """Products of complex tensors, brought back to real ones."""
    indices = _left(world, 2)
    left, name = _define(world, indices, "I")
    shared = world.fresh(world.dim())
    factors = [read(world, [*indices, shared], (shared, *_loose(world, indices)), ("complex",)),
               fill("conj({})", read(world, [*indices, shared], (shared,), ("complex",)))]  # fmt: skip
    value = summed_by_rule((shared,), product_of(factors, True))
    form = world.random.choice(("real({})", "imag({})", "abs({})", "{} + 2 im", "im {}"))
    _write(world, left, "=", fill(form, value.inside(TIGHT) if form.startswith("im ") else value))
    _register(world, name, indices, "float" if form.endswith(")") else "complex")


def ordered(world: World) -> None:
    """Elements sorted, chosen, moved or numbered along an index."""
    indices = _left(world, 2)
    if not indices:
        return plain(world)
    left, name = _define(world, indices, "Z")
    at = world.random.choice(indices)
    held = tuple(dict.fromkeys((at, *_loose(world, indices))))
    value = product_of([read(world, indices, held, ("float", "int"), True), exact(world, indices, 1)], False)
    forms = ("sort[{}]({{}})", "topk[{}]({{}}, 2)", "shift[{}]({{}}, 1)", "shift[{}]({{}}, n=-2)", "argsort[{}]({{}})",
             "flip[{}]({{}})", "normalize[{}]({{}})")  # fmt: skip
    form = world.random.choice(forms)
    _write(world, left, "=", fill(form.format(at), value))
    return _register(world, name, indices, "int" if form.startswith("argsort") else "float")


def counted(world: World) -> None:
    """Whole numbers only."""
    indices = _left(world, 2)
    left, name = _define(world, indices, "J")
    ints = [read(world, indices, _loose(world, indices), ("int",)), read(world, indices, (), ("int", "bool"))]
    place = word(world.random.choice([*indices, "3", f"|{base(world.dim())}|"]))
    forms = ("{} {} + {}", "{} - {} % (1 + {})", "({} + {}) % 3 - {}", "{} - {} + {}", "max({}, {}) {}")
    _write(world, left, "=", fill(world.random.choice(forms), *ints, place, level=SUMMED))
    _register(world, name, indices, "int")


def transformed(world: World) -> None:
    """The Fourier transform, and back."""
    x, k = world.fresh(dim := world.dim()), world.fresh(dim)
    y = world.fresh(dim)
    indices = [x, *_left(world, 1)]
    left, name = _define(world, indices, "Y")
    signal = read(world, [*indices[1:], y], (y, *_loose(world, indices[1:])))
    if world.chance(0.5):
        value = summed_by_rule((y,), fill(f"dft[{x},{y}] {{}}", signal))
    else:
        waves = read(world, [k], (k,), ("complex",))
        value = summed_by_rule((k, y), fill(f"idft[{x},{k}] {{}} dft[{k},{y}] {{}}", waves, signal))
    _write(world, left, "=", fill(world.random.choice(("real({})", "imag({})", "abs({})")), value))
    _register(world, name, indices)


FORMS = (
    plain, plain, plain, plain, plain, whole, guarded, guarded, truth, aggregate, aggregate, logical, special, added,
    convolution, strided, scatter, flattened, concatenated, dotted, dotted, positions, found, reduced, complex_numbers,
    ordered, ordered, counted, transformed,
)  # fmt: skip
