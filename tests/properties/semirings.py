"""Random equations in other semirings: best and total paths, products of what is not negative, joins of relations.

Each joins two to five tensors over a few shared indices; some are guarded, have terms without the reduced indices,
reduce what another one reduced, or go through exponentials.
"""

from __future__ import annotations

import re

from .generate import World, condition, read
from .patterns import fresh, given, register, write
from .words import Phrase, fill, product_of, term_sum, word

OPERATORS = ("max", "min", "logsumexp")
NOT_NEGATIVE = ("exp(tanh({}))", "sig({})", "abs({})", "({})^2", "softplus({})", "sqrt(abs({}))")


def _parts(world: World, kept: list[str], inner: list[str], kinds: tuple[str, ...]) -> list[Phrase]:
    """Reads that have all of the inner indices between them, most of them more than once."""
    pool, parts = [*kept, *inner], list[Phrase]()
    waiting = list(inner)
    for _ in range(world.random.randint(2, 5)):
        chosen = world.random.sample(pool, min(len(pool), world.random.randint(1, 3)))
        waiting = [index for index in waiting if index not in chosen]
        parts.append(read(world, pool, tuple(chosen), (world.random.choice(kinds),)))
    for index in waiting:
        parts.append(read(world, pool, (index,), kinds[:1]))
    return parts


def _clipped(value: Phrase) -> Phrase:
    """Over nothing the value is infinite, which other equations could not be compared through."""
    return fill("clip({}, -20, 20)", value)


def network(world: World) -> None:
    """The best or the total of a sum over paths, by an assignment or by name."""
    kept, inner = fresh(world, world.random.randint(0, 2)), fresh(world, world.random.randint(1, 3))
    op = world.random.choice(OPERATORS)
    kinds = ("float",) if op == "logsumexp" and world.chance(0.8) else ("float", "float", "float", "int", "bool")
    terms = [(world.random.choice("+++-"), part) for part in _parts(world, kept, inner, kinds)]
    if world.chance(0.3):
        terms.append(("+", word(world.random.choice(("1", "0.5", *kept, *inner)))))
    if world.chance(0.3):
        terms.append(("-", fill("2 {}", read(world, kept))))
    value = term_sum(terms)
    if world.chance(0.2):
        when = condition(world, [*kept, *inner], 1)
        value = _clipped(fill(f"{op}[{','.join(inner)}]({{}} where {{}})", value, when))
        register(world, write(world, "S", kept, value), kept)
    elif world.chance(0.5):
        register(world, write(world, "S", kept, fill(f"{op}[{','.join(inner)}]({{}})", value)), kept)
    else:
        assigned = Phrase(value.text, value.text, value.level)  # every index is reduced, none summed
        register(world, write(world, "S", kept, assigned, f"{op}="), kept)


def products(world: World) -> None:
    """The largest or the smallest product; now and then a factor may be negative."""
    kept, inner = fresh(world, world.random.randint(0, 2)), fresh(world, world.random.randint(1, 3))
    factors = [
        fill(world.random.choice(NOT_NEGATIVE), part) if world.chance(0.9) else part
        for part in _parts(world, kept, inner, ("float",))[:4]
    ]
    written = {name for factor in factors for name in re.findall(r"[\w']+", factor.text)}
    missing = [index for index in inner if index not in written]
    factors += [fill("sig({})", read(world, inner, (index,))) for index in missing]
    value = fill(f"{world.random.choice(('max', 'min'))}[{','.join(inner)}]({{}})", product_of(factors, True))
    register(world, write(world, "S", kept, value), kept)


def nested(world: World) -> None:
    """A reduction of what another equation reduced."""
    i, j, k, m = fresh(world, 4)
    op = world.random.choice(OPERATORS)
    first = word(f"{op}[{j}]({given(world, i, j)} + {given(world, j, k)})")
    name = write(world, "S", [i, k], first)
    register(world, name, [i, k])
    other = op if world.chance(0.8) else world.random.choice(OPERATORS)
    second = word(f"{other}[{k}]({name}[{i},{k}] + {given(world, k, m)} - {given(world, m)})")
    register(world, write(world, "S", [m, i], second), [m, i])


def exponentials(world: World) -> None:
    """Sums of products of exponentials, under a logarithm."""
    i, j, k, m = fresh(world, 4)
    one, two, three = (fill("exp(2 tanh({}))", word(given(world, *at))) for at in ((i, j), (j, k), (k, m)))
    factors = [one, two, three] if world.chance(0.5) else [one, two]
    left, over = ([i, m], f"{j},{k}") if len(factors) == 3 else ([i, k], j)
    value = fill(f"log(sum[{over}]({{}}))", product_of(factors, True))
    register(world, write(world, "L", left, value), left)


def relations(world: World) -> None:
    """Whether anything, or everything, joins."""
    kept, inner = fresh(world, world.random.randint(1, 2)), fresh(world, world.random.randint(1, 3))
    dims = [index.rstrip("'") for index in (*kept, *inner)]
    pool, parts = [*kept, *inner], list[str]()
    for _ in range(world.random.randint(2, 4)):
        chosen = world.random.sample(pool, min(len(pool), 2))
        known = world.add_relation(tuple(dims[pool.index(index)] for index in chosen))
        parts.append(f"{'not ' if world.chance(0.25) else ''}{known.name}({','.join(chosen)})")
    used = [index for index in inner if any(index in part.split("(")[1].rstrip(")").split(",") for part in parts)]
    if not used:
        return
    quantifier, between = world.random.choice((("any", " and "), ("all", " or ")))
    value = word(f"{quantifier}[{','.join(used)}]({between.join(parts)})")
    name = world.name("B")
    line = f"{name}[{','.join(kept)}] = {value.text}"
    world.lines.append(Phrase(line, line))
    world.add_known(name, tuple(dims[pool.index(index)] for index in kept), "bool")


SEMIRINGS = (network, network, network, products, nested, exponentials, relations)
