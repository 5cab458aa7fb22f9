"""``tensorlang new``: a folder with a program that trains on the data beside it, tests, and a page on what to do."""

from __future__ import annotations

import argparse
import math
import os
import random

from tensorlang.console.streams import FINE, Console
from tensorlang.console.usage import usage
from tensorlang.console.writing import replace_text, unwritable

USAGE = "NAME"
ABOUT = """
Makes the folder NAME with main.tl (a small network that learns to tell two curved clouds of points apart), its data
and a README. It never writes into a folder that exists.

example:
  tensorlang new moons && tensorlang run moons/main.tl
"""

PROGRAM = """\
# Two curved clouds of points in the plane, told apart by a network of one hidden layer.

dim i = 2  # the coordinates of a point
dim c = 2  # the clouds
dim h = 16  # the hidden units

data X[n,i] = load("data/points.csv")
data Cloud[n] in c = load("data/clouds.csv")

param W[h,i] ~ he()
param B[h] ~ zeros()
param V[c,h] ~ glorot()

Score[n,c] = V[c,h] relu(W[h,i] X[n,i] + B[h])
P[n,c.] = softmax(Score[n,c])
Loss = -mean[n](log(P[n,Cloud[n]]))

minimize Loss with adam(lr=0.05), epochs=200

Right[n] = argmax[c](P[n,c]) == Cloud[n]
Accuracy = mean[n](Right[n])

Loss?
Accuracy?
assert Accuracy > 0.95

test "probabilities add up to one": assert abs(sum[c](P[n,c]) - 1) < 1e-5
"""

README = """\
# {name}

A program in tensorlang that learns to tell two clouds of points apart.

    tensorlang run main.tl          # train, and print the loss and the accuracy
    tensorlang test main.tl         # run its tests
    tensorlang explain main.tl      # every equation with its sums written out
    tensorlang repl main.tl         # look at any tensor: P[0:3, :]?

To take it away, let `main.tl` end with `save params to "main.safetensors"`, run it, and then:

    tensorlang compile main.tl -o model.pt --load main.safetensors --output Score --given X
    tensorlang inspect model.pt     # what it takes and gives; torch.jit.load reads it

`data/points.csv` holds a point in each line, `data/clouds.csv` which of the two clouds it comes from.
"""


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("NAME", help="the folder to make")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def act(given: argparse.Namespace, console: Console) -> int:
    folder = given.NAME
    if not folder or "\0" in folder:
        raise usage("E1004", f"{folder!r} is no name for a folder", "usage: tensorlang new NAME")
    if os.path.lexists(folder):
        raise usage("E1006", f"`{folder}` is there already", "choose another name; nothing was written")
    points, clouds = two_moons(200)
    texts = {
        "main.tl": PROGRAM,
        "README.md": README.format(name=os.path.basename(os.path.abspath(folder))),
        "data/points.csv": "x,y\n" + "".join(f"{x:.4f},{y:.4f}\n" for x, y in points),
        "data/clouds.csv": "cloud\n" + "".join(f"{cloud}\n" for cloud in clouds),
    }
    try:
        os.makedirs(os.path.join(folder, "data"))
    except OSError as problem:
        raise unwritable(folder, problem) from None
    for name, text in texts.items():
        replace_text(os.path.join(folder, name), text)
    console.document |= {"folder": folder, "files": sorted(texts)}
    console.say(f"made {folder} with {', '.join(sorted(texts))}")
    console.say(f"run it: tensorlang run {os.path.join(folder, 'main.tl')}")
    return FINE


def two_moons(count: int) -> tuple[list[tuple[float, float]], list[int]]:
    """Points on two half circles that reach into each other, with some noise; the same every time."""
    draw = random.Random(0)
    points, clouds = [], []
    for number in range(count):
        cloud = number % 2
        angle = math.pi * draw.random()
        x, y = (math.cos(angle), math.sin(angle)) if cloud == 0 else (1 - math.cos(angle), 0.5 - math.sin(angle))
        points.append((x + draw.gauss(0, 0.1), y + draw.gauss(0, 0.1)))
        clouds.append(cloud)
    return points, clouds
