"""Makes the two tables of ../family.tl from a family tree as Gramps exports it (XML, gzipped or not).

    python make_family.py example.gramps people.csv parents.csv

People are called by their name and Gramps' number; those without a year of birth, or whose sex is not told, are left
out. The rules of family.tl hold of them as well, once it loads these files and asks about these people.
The tree that comes with Gramps (2157 people) is under GPL-2 and is therefore not here.
"""

import csv
import gzip
import sys
from pathlib import Path
from xml.etree import ElementTree

SEX = {"M": "male", "F": "female"}


def tree(path):
    content = Path(path).read_bytes()
    root = ElementTree.fromstring(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]  # the namespace names the version of Gramps
    return root


def year(event):
    dates = [event.find(kind) for kind in ("dateval", "daterange", "datespan")]
    texts = [date.get("val") or date.get("start") or "" for date in dates if date is not None]
    return int(texts[0][:4]) if texts and texts[0][:4].isdigit() else None


def people(root):
    """Name, sex and year of birth, by handle."""
    births = {event.get("handle"): year(event) for event in root.iter("event") if event.findtext("type") == "Birth"}
    found = {}
    for person in root.iter("person"):
        name = f"{person.findtext('name/first') or ''} {person.findtext('name/surname') or ''}".strip()
        born = next((births[e.get("hlink")] for e in person.iter("eventref") if births.get(e.get("hlink"))), None)
        if born is not None and person.findtext("gender") in SEX:
            found[person.get("handle")] = (f"{name} {person.get('id')}", SEX[person.findtext("gender")], born)
    return found


def parents(root, known):
    """Pairs of names, the parent first."""
    for family in root.iter("family"):
        for parent in (family.find("father"), family.find("mother")):
            for child in family.iter("childref"):
                pair = (None if parent is None else parent.get("hlink"), child.get("hlink"))
                if pair[0] in known and pair[1] in known:
                    yield known[pair[0]][0], known[pair[1]][0]


def write(path, names, rows):
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    given = tree(sys.argv[1])
    named = people(given)
    write(sys.argv[2], ("person", "sex", "born"), named.values())
    write(sys.argv[3], ("parent", "child"), sorted(set(parents(given, named))))
