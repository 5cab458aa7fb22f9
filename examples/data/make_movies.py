"""Makes movies.csv and movies_held_out.csv of ../movies.tl: the 100,000 ratings of MovieLens 100K.

    python make_movies.py                    # where recbole 1.2.1 is installed, which ships them
    python make_movies.py recbole-1.2.1.whl  # or from its wheel: pip download --no-deps recbole==1.2.1

The ratings belong to GroupLens (University of Minnesota), for research only and not to be passed on: they are in no
copy of tensorlang. One rating in ten, drawn with a fixed seed, is held out.
"""

import csv
import importlib.util
import random
import sys
import zipfile
from pathlib import Path

FOLDER = "dataset_example/ml-100k"
HERE = Path(__file__).parent


def text(name):
    if len(sys.argv) > 1:
        return zipfile.ZipFile(sys.argv[1]).read(f"recbole/{FOLDER}/{name}").decode()
    package = importlib.util.find_spec("recbole")
    if package is None or package.origin is None:
        sys.exit("recbole is not installed, and no wheel of it was given: see the head of this file")
    return (Path(package.origin).parent / FOLDER / name).read_text()


def write(name, columns, rows):
    with (HERE / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


ratings = [line.split("\t")[:3] for line in text("ml-100k.inter").splitlines()[1:]]
titles = {line.split("\t")[0]: line.split("\t")[1:3] for line in text("ml-100k.item").splitlines()[1:]}
names = {item: f"{title} ({year})" for item, (title, year) in titles.items()}
doubled = {name for name in names.values() if list(names.values()).count(name) > 1}
names = {item: f"{name} #{item}" if name in doubled else name for item, name in names.items()}
random.Random(0).shuffle(ratings)
held = len(ratings) // 10
rows = [(f"user {user}", names[item], int(float(stars))) for user, item, stars in ratings]
write("movies.csv", ("user", "movie", "stars"), rows[held:])
write("movies_held_out.csv", ("user", "movie", "stars"), rows[:held])
