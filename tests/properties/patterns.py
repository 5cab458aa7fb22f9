"""Random equations in the shapes that programs really have, so that the kernels chosen for them are met.

Products of many tensors, layers, attention, convolutions and pooling over two axes, embeddings, means of neighbours.
"""

from __future__ import annotations

from .generate import World, base, condition, read
from .words import Phrase, fill, product_of, summed_by_rule, term_sum, word

Form = tuple[list[str], Phrase]


def write(world: World, stem: str, indices: list[str], value: Phrase, operator: str = "=", where: str = "") -> str:
    """A line that defines a new tensor; its name."""
    name = world.name(stem)
    left = f"{name}[{','.join(indices)}]" if indices else name
    world.lines.append(Phrase(f"{left} {operator} {value.text}{where}", f"{left} {operator} {value.meant}{where}"))
    return name


def register(world: World, name: str, indices: list[str]) -> None:
    world.add_known(name, tuple(base(index) for index in indices))


def fresh(world: World, count: int) -> list[str]:
    return [world.fresh(world.dim()) for _ in range(count)]


def given(world: World, *indices: str) -> str:
    """A new input at plain indices."""
    known = world.add_input(tuple(base(index) for index in indices))
    return f"{known.name}[{','.join(indices)}]"


def network(world: World) -> None:
    """A product of three to six tensors over a few shared indices."""
    kept, inner = fresh(world, world.random.randint(0, 2)), fresh(world, world.random.randint(2, 4))
    pool = [*kept, *inner]
    factors, counts = [], dict.fromkeys(inner, 0)
    for _ in range(world.random.randint(3, 6)):
        chosen = tuple(world.random.sample(pool, min(len(pool), world.random.randint(1, 3))))
        factors.append(read(world, pool, chosen))
        for index in chosen:
            if index in counts:
                counts[index] += 1
    used = [index for index, count in counts.items() if count]
    value = summed_by_rule(used, product_of(factors, True))
    register(world, write(world, "N", kept, value), kept)


def layer(world: World) -> None:
    """``f(W X + B)``, sometimes with a residual."""
    b, o, i = fresh(world, 3)
    body = [("+", summed_by_rule((i,), product_of([word(given(world, o, i)), word(given(world, b, i))], True)))]
    if world.chance(0.7):
        body.append(("+", word(given(world, o))))
    value = fill(world.random.choice(("relu({})", "gelu({})", "tanh({})", "{}")), term_sum(body))
    if world.chance(0.3):
        value = term_sum([("+", word(given(world, b, o))), ("+", fill("0.5 ({})", value))])
    register(world, write(world, "H", [b, o], value), [b, o])


def attention(world: World) -> None:
    """Scores, a softmax over them, and the sum of values, with heads and masks now and then."""
    head = fresh(world, world.random.randint(0, 1))
    dim = world.dim()
    t, s = world.fresh(dim), world.fresh(dim if world.chance(0.7) else world.dim())
    d, v = fresh(world, 2)
    queries, keys, values = given(world, *head, t, d), given(world, *head, s, d), given(world, *head, s, v)
    scaled = world.random.choice((f" / sqrt(|{base(d)}|)", ""))
    scores = fill("{}" + scaled, summed_by_rule((d,), word(f"{queries} {keys}")))
    where = ""
    if world.chance(0.4):
        world.guarded = True
        where = f" where {s} <= {t}" if world.chance(0.7) else f" where {condition(world, [t, s], 0).text}"
    marked = [*head, t, f"{s}."]
    name = world.name("A")
    left = f"{name}[{','.join(marked)}]"
    text, meant = f"{left} = softmax({scores.text}){where}", f"{left} = softmax({scores.meant}){where}"
    world.lines.append(Phrase(text, meant))
    register(world, name, [*head, t, s])
    product = summed_by_rule((s,), word(f"{name}[{','.join([*head, t, s])}] {values}"))
    register(world, write(world, "O", [*head, t, v], product), [*head, t, v])


def image(world: World) -> None:
    """A convolution over two axes, with strides or an offset, channels and a batch."""
    pairs = [(a, k) for a in sorted(world.declared) for k in sorted(world.declared) if world.sizes[a] >= world.sizes[k]]
    (h, kh), (w, kw) = world.random.choices(pairs, k=2)
    dy, dx = world.fresh(kh), world.fresh(kw)
    c, o, b = fresh(world, 3)
    y, x = world.name("y"), world.name("x")
    signal = world.add_input((base(b), base(c), h, w)).name
    taps = given(world, o, c, dy, dx)
    stride = world.random.choice((1, 1, 2))
    for place, size, kernel in ((y, h, kh), (x, w, kw)):
        world.sizes[place] = (world.sizes[size] - world.sizes[kernel]) // stride + 1
    scale = "" if stride == 1 else f"{stride}*"
    factors = [word(taps), word(f"{signal}[{b},{c},{scale}{y}+{dy},{scale}{x}+{dx}]")]
    value = summed_by_rule((c, dy, dx), product_of(factors, True))
    name = write(world, "C", [b, o, y, x], value)
    if world.chance(0.5):
        _pooled(world, name, [b, o, y, x])


def _pooled(world: World, name: str, indices: list[str]) -> None:
    b, o, y, x = indices
    operator = world.random.choice(("max=", "avg=", "=", "min="))
    write(world, "P", [b, o, f"{y}/2", f"{x}/2"], word(f"{name}[{b},{o},{y},{x}]"), operator)


def same(world: World) -> None:
    """A convolution that keeps the size: zeros outside."""
    place, kernel = world.dim(), world.dim()
    x, dx, c = world.fresh(place), world.fresh(kernel), world.fresh(world.dim())
    signal = world.add_input((base(c), place)).name
    at = world.random.choice((f"{x}+{dx}-1", f"{x}-{dx}", f"{x}+2*{dx}", f"2*{x}+{dx}-1"))
    value = summed_by_rule((c, dx), product_of([word(given(world, c, dx)), word(f"{signal}[{c},{at}]")], True))
    register(world, write(world, "C", [x], value), [x])


def embedding(world: World) -> None:
    """Rows looked up, and rows added where they were looked up."""
    into, rows = world.dim(), world.fresh(world.dim())
    d = world.fresh(world.dim())
    at = world.add_positions((base(rows),), into).name
    table = world.add_input((into, base(d))).name
    name = write(world, "L", [rows, d], word(f"{table}[{at}[{rows}],{d}]"))
    register(world, name, [rows, d])
    if world.chance(0.5):
        write(world, "S", [f"{at}[{rows}]", d], fill("tanh({})", word(f"{name}[{rows},{d}]")), "+=")


def neighbours(world: World) -> None:
    """Messages along a relation: their sum, mean or softmax."""
    dim = world.dim()
    n, m, d = world.fresh(dim), world.fresh(dim), world.fresh(world.dim())
    edge = world.add_relation((dim, dim)).name
    states = given(world, m, d)
    form = world.random.choice(("sum", "mean", "softmax"))
    if form == "sum":
        value = summed_by_rule((m,), word(f"{edge}({n},{m}) {states}"))
        register(world, write(world, "G", [n, d], value), [n, d])
        return
    if form == "mean":
        value = word(f"mean[{m}]({states} where {edge}({n},{m}))")
        register(world, write(world, "G", [n, d], value), [n, d])
        return
    world.guarded = True
    queries = world.add_input((dim,)).name
    scores = write(world, "G", [n, m], word(f"{queries}[{n}] - {queries}[{m}]"), where=f" where {edge}({n},{m})")
    name = world.name("A")
    line = f"{name}[{n},{m}.] = softmax({scores}[{n},{m}])"
    world.lines.append(Phrase(line, line))
    value = summed_by_rule((m,), word(f"{name}[{n},{m}] {states}"))
    register(world, write(world, "G", [n, d], value), [n, d])


PATTERNS = (network, network, network, layer, attention, image, same, embedding, neighbours)
