"""Random programs that are well typed by construction, with the arrays to run them on.

In: a source of randomness. Out: a ``Generated`` program as text, the same one with every sum written out, its inputs
and the sizes that its dims have. Values stay in a range where float64 compares well: inputs are multiples of a quarter,
functions that need a domain or amplify get arguments that fit, and what jumps (step, floor, comparisons) is applied
only to ``exact`` expressions, which sums and products of quarters compute without rounding.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np

from .words import (
    COMPARED,
    LOOSE,
    MULTIPLIED,
    RAISED,
    SUMMED,
    TIGHT,
    Phrase,
    fill,
    product_of,
    summed_by_rule,
    term_sum,
    word,
)

SMOOTH = ("tanh", "sig", "sigmoid", "softplus", "relu", "leaky_relu", "elu", "gelu", "silu", "selu", "atan", "erf")
BOUNDED = ("exp", "sin", "cos", "sinh", "cosh", "expm1", "asin", "acos", "tan", "log1p")
JUMPING = ("step", "sign", "floor", "ceil", "round")
REDUCTIONS = ("sum", "max", "min", "mean", "logsumexp", "norm", "var", "prod")
ALONG = ("softmax", "log_softmax", "lnorm", "rmsnorm", "cumsum", "cumprod", "cummax", "flip")


@dataclass(frozen=True, slots=True)
class Known:
    """A tensor that equations may read. ``positions`` names the dim whose positions an integer tensor holds."""

    name: str
    dims: tuple[str, ...]
    kind: str = "float"
    exact: bool = False
    relation: bool = False
    positions: str | None = None


@dataclass(slots=True)
class Generated:
    """A program and what it is run on. ``sizes`` are those of the dims that the program leaves open."""

    text: str
    meant: str
    arrays: dict[str, np.ndarray]
    sizes: dict[str, int]
    outputs: tuple[str, ...]


@dataclass(slots=True)
class World:
    """What has been written so far. ``used`` are the index names of the equation at hand.

    ``contracts`` allows products to share an index that the rule sums, ``leaves`` indices that are left over for a
    power or a function's argument: both mean something else in a guard, the latter also under ``max=`` and its kin.
    """

    random: random.Random
    sizes: dict[str, int] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    fixed: set[str] = field(default_factory=set)
    tensors: list[Known] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    lines: list[Phrase] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    guarded: bool = False
    contracts: bool = True
    leaves: bool = True
    counter: int = 0

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def name(self, stem: str) -> str:
        self.counter += 1
        return f"{stem}{self.counter}"

    def fresh(self, dim: str) -> str:
        """An index over the dim that the equation does not use yet."""
        name = dim
        while name in self.used:
            name += "'"
        self.used.add(name)
        return name

    def dim(self) -> str:
        return self.random.choice(sorted(self.declared))

    # --- tensors -------------------------------------------------------------------------------------------------

    def add_known(self, name: str, dims: tuple[str, ...], kind: str = "float", exact: bool = False) -> None:
        self.tensors.append(Known(name, dims, kind, exact))

    def add_relation(self, dims: tuple[str, ...]) -> Known:
        return self.add_input(dims, "bool", True)

    def add_input(self, dims: tuple[str, ...], kind: str = "float", relation: bool = False) -> Known:
        """A new input, sometimes a relation, with values for it."""
        shape = [self.sizes[dim] for dim in dims]
        draw = np.random.default_rng(self.random.getrandbits(32))
        name = self.name({"float": "X", "int": "N", "bool": "M", "complex": "C"}[kind])
        relation = relation or (kind == "bool" and bool(dims) and self.chance(0.6))
        values = draw.integers(-8, 9, shape)
        axes = f"[{','.join(dims)}]" if dims else ""
        element = "" if kind == "float" else f": {kind}"
        if relation:
            self.heads.append(f"relation {name}({', '.join(dims)})")
        else:
            held = kind == "float" and bool(dims) and self.fixed.issuperset(dims) and self.chance(0.2)
            self.heads.append(f"{'param' if held else 'input'} {name}{axes}{element}")
        self.arrays[name] = {
            "float": lambda: values / 4, "int": lambda: values // 2, "bool": lambda: values > 0,
            "complex": lambda: values / 4 + 1j * draw.integers(-8, 9, shape) / 4,
        }[kind]()  # fmt: skip
        known = Known(name, dims, kind, kind in ("float", "int"), relation)
        self.tensors.append(known)
        return known

    def add_positions(self, dims: tuple[str, ...], into: str) -> Known:
        """An input of positions of a dim."""
        name = self.name("P")
        draw = np.random.default_rng(self.random.getrandbits(32))
        self.heads.append(f"input {name}[{','.join(dims)}] in {into}")
        self.arrays[name] = draw.integers(0, self.sizes[into], [self.sizes[dim] for dim in dims])
        known = Known(name, dims, "int", True, False, into)
        self.tensors.append(known)
        return known

    def find(self, kinds: tuple[str, ...], scope: list[str], must: tuple[str, ...], exact: bool) -> Known:
        """A tensor to read with indices of the scope, such that it can take those in ``must``."""
        dims = [base(index) for index in must]
        fitting = [
            t for t in self.tensors
            if t.kind in kinds and (t.exact or not exact) and t.positions is None
            and all(t.dims.count(dim) >= dims.count(dim) for dim in dims)
            and all(d in self.declared or any(base(index) == d for index in scope) for d in t.dims)
        ]  # fmt: skip
        if fitting and self.chance(0.8 if must else 0.9):
            return self.random.choice(fitting)
        hard = [base(index) for index in scope if base(index) in self.declared]
        extra = self.random.sample(hard, self.random.randint(0, min(len(hard), 2 - min(len(dims), 2))))
        wanted = [*dims, *extra]
        self.random.shuffle(wanted)
        return self.add_input(tuple(wanted), self.random.choice(kinds))


def base(index: str) -> str:
    """The dim of an index: its name without primes."""
    return index.rstrip("'")


# --- reads and entries -------------------------------------------------------------------------------------------


def read(
    world: World,
    scope: list[str],
    must: tuple[str, ...] = (),
    kinds: tuple[str, ...] = ("float",),
    exact: bool = False,
) -> Phrase:
    """A tensor at indices of the scope; those in ``must`` stand bare in it."""
    known = world.find(kinds, scope, must, exact)
    places: list[str | None] = [None] * len(known.dims)
    for index in must:
        free = [at for at, dim in enumerate(known.dims) if places[at] is None and dim == base(index)]
        places[world.random.choice(free)] = index
    entries = [place or entry(world, scope, dim) for place, dim in zip(places, known.dims, strict=True)]
    opening, closing = "()" if known.relation else "[]"
    return word(f"{known.name}{opening}{','.join(entries)}{closing}" if entries else known.name)


def entry(world: World, scope: list[str], dim: str) -> str:
    """Something to put on an axis over the dim: mostly a bare index, else a constant, arithmetic or a gather."""
    bare = [index for index in scope if base(index) == dim]
    hard = [index for index in scope if base(index) in world.declared]
    if bare and (world.chance(0.8) or dim not in world.declared):
        return world.random.choice(bare)
    forms = ["0", str(world.sizes[dim] - 1), "-1"] if dim in world.fixed else ["0", "-1"]
    if hard:
        i, j = world.random.choice(hard), world.random.choice(hard)
        forms = [f"{i}+1", f"{i}-1", f"2*{i}", f"{i}/2", f"{i} % 2", f"{i}+{j}", f"1-{i}", f"2*{i}-{j}", *forms]
        gathers = [t for t in world.tensors if t.positions == dim and set(t.dims) <= {base(index) for index in hard}]
        for t in gathers:
            at = [world.random.choice([index for index in hard if base(index) == d]) for d in t.dims]
            forms += [f"{t.name}[{','.join(at)}]"] * 2
    return world.random.choice(forms)


# --- expressions -------------------------------------------------------------------------------------------------


def real(world: World, scope: list[str], depth: int, must: tuple[str, ...] = ()) -> Phrase:
    """A real-valued expression over indices of the scope."""
    if depth <= 0:
        return leaf(world, scope, must)
    if must and world.chance(0.5):
        return product_of([read(world, scope, must), real(world, scope, depth - 1).inside(TIGHT)], world.chance(0.5))
    forms = (total, total, product, product, product, power, function, function, reduction, along, choice, quotient)
    return world.random.choice(forms)(world, scope, depth, must)


def leaf(world: World, scope: list[str], must: tuple[str, ...]) -> Phrase:
    if not must and world.chance(0.15):
        return word(world.random.choice(["1", "0.5", "2", "pi", *(f"|{base(i)}|" for i in scope), *scope]))
    pairs = [(i, j) for i in scope for j in scope if i != j and base(i) == base(j)]
    if not must and pairs and world.chance(0.1):
        return word(f"delta[{','.join(world.random.choice(pairs))}]")
    kinds = ("float", "float", "float", "int", "bool")
    return read(world, scope, must, (world.random.choice(kinds),))


def total(world: World, scope: list[str], depth: int, must: tuple[str, ...]) -> Phrase:
    if world.chance(0.1):
        twice = real(world, scope, depth - 1, must)
        return fill("{0} + tanh({0})", twice.inside(MULTIPLIED), level=SUMMED)
    signs = world.random.choice(("++", "+-", "-+", "++-", "+++"))
    return term_sum([(sign, real(world, scope, depth - 1, must)) for sign in signs])


def product(world: World, scope: list[str], depth: int, must: tuple[str, ...]) -> Phrase:
    """Factors; often with a new index that at least two of them share, which is summed there."""
    if not world.contracts or world.chance(0.3):
        factors = [real(world, scope, depth - 1, must), real(world, scope, depth - 1)]
        return product_of(factors, world.chance(0.5))
    count = world.random.choice((1, 1, 1, 2)) if len(must) < 2 else 1
    shared = tuple(world.fresh(world.dim()) for _ in range(count))
    inner = [*scope, *shared]
    factors = [read(world, inner, (*must, *shared))]
    factors.append(read(world, inner, shared))
    if world.chance(0.3):
        factors.append(function(world, inner, depth - 1, shared[:1]))
    same = [index for index in inner if base(index) == base(shared[0]) and index != shared[0]]
    if same and world.chance(0.2):
        factors.append(word(f"delta[{shared[0]},{world.random.choice(same)}]"))
    if world.chance(0.2):
        factors.insert(0, word(world.random.choice(["2", "0.5"])))
    return summed_by_rule(shared, product_of(factors, world.chance(0.7)))


def power(world: World, scope: list[str], depth: int, must: tuple[str, ...]) -> Phrase:
    """A whole power; sometimes of terms that leave an index over, which is summed at the power."""
    exponent = world.random.choice(("2", "2", "3"))
    if not world.leaves or world.chance(0.5):
        bounded = real(world, scope, depth - 1, must)
        return fill("{}^" + exponent, bounded.inside(TIGHT), level=RAISED)
    over = world.fresh(world.dim())
    inner = [*scope, over]
    terms = [(sign, read(world, inner, (*must[:2], over))) for sign in world.random.choice(("+-", "++", "+"))]
    if must[2:]:
        return real(world, scope, 0, must)
    raised = fill("{}^" + exponent, term_sum(terms).inside(TIGHT), level=RAISED)
    return summed_by_rule((over,), raised)


def function(world: World, scope: list[str], depth: int, must: tuple[str, ...]) -> Phrase:
    """A function of something that it is defined and well behaved for."""
    pick = world.random.random()
    if pick < 0.55:
        return fill(world.random.choice(SMOOTH) + "({})", argument(world, scope, depth - 1, must))
    inner = real(world, scope, depth - 1, must)
    if pick < 0.75:
        return fill(f"{world.random.choice(BOUNDED)}(0.9 tanh({{}}))", inner)
    if pick < 0.85:
        return fill(world.random.choice(("sqrt(1 + abs({}))", "log(1 + ({})^2)", "rsqrt(1 + ({})^2)")), inner)
    other = real(world, scope, 0)
    forms = ("max({}, {})", "min({}, {})", "atan2({}, 1 + abs({}))", "clip({}, -1, {})", "leaky_relu({}, tanh({}))")
    return fill(world.random.choice(forms), inner, other)


def argument(world: World, scope: list[str], depth: int, must: tuple[str, ...]) -> Phrase:
    """A function's argument; sometimes a product that leaves an index over, which is summed there."""
    if must or not world.leaves or world.chance(0.85):
        return real(world, scope, depth, must)
    shared, over = world.fresh(world.dim()), world.fresh(world.dim())
    factors = [read(world, [*scope, shared], (shared,)), read(world, [*scope, shared, over], (shared, over))]
    return summed_by_rule((shared, over), product_of(factors, True))


def reduction(world: World, scope: list[str], depth: int, must: tuple[str, ...]) -> Phrase:
    """An explicit reduction over new indices, sometimes limited by a condition."""
    over = tuple(world.fresh(world.dim()) for _ in range(world.random.choice((1, 1, 2))))
    op = world.random.choice(REDUCTIONS)
    inner = real(world, [*scope, *over], depth - 1, (*must, *over))
    if op == "prod":
        inner = fill("tanh({})", inner)
    names = ",".join(over)
    if world.chance(0.3):
        guarded = fill(f"{op}[{names}]({{}} where {{}})", inner, condition(world, [*scope, *over], 1))
        return fill("clip({}, -20, 20)", guarded)
    reduced = fill(f"{op}[{names}]({{}})", inner)
    return fill("clip({}, -20, 20)", reduced) if world.guarded else reduced


def along(world: World, scope: list[str], depth: int, must: tuple[str, ...]) -> Phrase:
    """A function along an index of the scope."""
    if not scope or len(must) > 2:
        return function(world, scope, depth, must)
    index, op = world.random.choice(scope), world.random.choice(ALONG)
    inner = real(world, scope, depth - 1, must if index in must else (*must, index))
    if op == "cummax" and world.guarded:
        op = "cumsum"
    return fill(f"{op}[{index}]({{}})", fill("tanh({})", inner) if op == "cumprod" else inner)


def choice(world: World, scope: list[str], depth: int, must: tuple[str, ...]) -> Phrase:
    when = condition(world, scope, 1)
    one, other = real(world, scope, depth - 1, must), real(world, scope, depth - 1)
    return fill("{} if {} else {}", one.inside(COMPARED), when, other.inside(COMPARED), level=LOOSE)


def quotient(world: World, scope: list[str], depth: int, must: tuple[str, ...]) -> Phrase:
    below = real(world, scope, depth - 1)
    form = world.random.choice(("{} / (1 + abs({}))", "{} / (0.5 + ({})^2)"))
    return fill(form, real(world, scope, depth - 1, must).inside(TIGHT), below, level=MULTIPLIED)


# --- expressions without rounding --------------------------------------------------------------------------------


def exact(world: World, scope: list[str], depth: int) -> Phrase:
    """Sums and products of quarters and whole numbers."""
    pick = world.random.random()
    if depth <= 0 or pick < 0.3:
        return read(world, scope, (), (world.random.choice(("float", "int")),), True)
    if pick < 0.5:
        return term_sum([(sign, exact(world, scope, depth - 1)) for sign in world.random.choice(("++", "+-"))])
    if pick < 0.65 and world.contracts:
        shared = world.fresh(world.dim())
        kinds = ("float", "int")
        factors = [read(world, [*scope, shared], (shared,), (kind,), True) for kind in world.random.choices(kinds, k=2)]
        return summed_by_rule((shared,), product_of(factors, True))
    if pick < 0.8:
        return fill(world.random.choice(("relu({})", "abs({})", "max({}, 0)")), exact(world, scope, depth - 1))
    if pick < 0.9:
        return fill(world.random.choice(JUMPING) + "({})", exact(world, scope, depth - 1))
    return fill("{} % 2", exact(world, scope, depth - 1).inside(TIGHT), level=MULTIPLIED)


def condition(world: World, scope: list[str], depth: int) -> Phrase:
    """Comparisons of indices and of exact expressions, truth values, and logic on them."""
    pick = world.random.random()
    if depth > 0 and pick < 0.25:
        sides = [condition(world, scope, depth - 1).inside(COMPARED) for _ in "ab"]
        return fill(world.random.choice(("{} and {}", "{} or {}")), *sides, level=LOOSE)
    if depth > 0 and pick < 0.35:
        return fill("not {}", condition(world, scope, depth - 1).inside(TIGHT), level=LOOSE)
    if scope and pick < 0.65:
        i, j = world.random.choice(scope), world.random.choice([*scope, "0", "1"])
        return word(f"{i} {world.random.choice(('<', '<=', '>', '>=', '==', '!='))} {j}", COMPARED)
    if pick < 0.85:
        return read(world, scope, (), ("bool",))
    sides = exact(world, scope, 1).inside(SUMMED), word(world.random.choice(("0", "0.25", "1")))
    return fill("{} " + world.random.choice(("<", "<=", ">", ">=", "==", "!=")) + " {}", *sides, level=COMPARED)
