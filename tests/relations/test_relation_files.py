"""Relations from files: they load right, or the error names the line and the reason."""

from __future__ import annotations

import json

import numpy as np
import pytest
from relations.telling import codes, messages, rows, told

import tensorlang as tl

PARENT = {("Ann", "Bob"), ("Bob", "Cid")}
DECLARED = 'relation Parent(parent, child) = load("{name}")\n'


def load(tmp_path, name: str, content: str | bytes, declared: str = DECLARED):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return declared.format(name=name), str(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", "Ann,Bob\nBob,Cid\n"),
        ("header.csv", "parent,child\nAnn,Bob\nBob,Cid\n"),
        ("swapped.csv", "child,year,parent\nBob,1990,Ann\nCid,2001,Bob\n"),
        ("bom.csv", b"\xef\xbb\xbfAnn,Bob\nBob,Cid\n"),
        ("crlf.csv", "Ann,Bob\r\nBob,Cid\r\n"),
        ("quotes.csv", '"Ann","Bob"\n"Bob",Cid\n'),
        ("blanks.csv", "\nAnn, Bob\n\n  \nBob ,Cid\n\n"),
        ("twice.csv", "Ann,Bob\nBob,Cid\nAnn,Bob\n"),
        ("tabs.tsv", "Ann\tBob\nBob\tCid\n"),
        ("semicolons.csv", "Ann;Bob\nBob;Cid\n"),
        ("spaces.txt", "# who is whose parent\nAnn Bob\nBob Cid\n"),
        ("lists.json", '[["Ann", "Bob"], ["Bob", "Cid"]]'),
        ("objects.json", '[{"parent": "Ann", "child": "Bob"}, {"child": "Cid", "parent": "Bob"}]'),
        ("end.csv", "Ann,Bob\nBob,Cid"),
        ("old.csv", "Ann,Bob\rBob,Cid\r"),
        ("late.csv", 'Ann,Bob\nBob,"Cid"\n'),
    ],
)
def test_files_that_load_right(tmp_path, name, content):
    assert rows(told(*load(tmp_path, name, content)), "Parent") == PARENT


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("ragged.csv", "Ann,Bob\nBob,Cid\nCid\n", "E0719", "line 3 of `ragged.csv` has 1 cell"),
        ("ragged.csv", '"Ann\nMary",Bob\nBob,Cid,Dan\n', "E0719", "line 3 of `ragged.csv` has 3 cells"),
        ("empty.csv", "", "E1108", "`empty.csv` is empty"),
        ("blank.csv", "\n\n", "E1108", "`blank.csv` is empty"),
        ("narrow.csv", "Ann\nBob\n", "E1107", "have 1 cell, the relation has 2 places"),
        ("hole.csv", "Ann,Bob\n,Cid\n", "E1109", "line 2 of `hole.csv` has an empty cell"),
        ("latin.csv", "Ann,Bj\xf6rn\n".encode("latin-1"), "E0721", "is not UTF-8"),
        ("open.csv", 'Ann,"Bob\nBob,Cid\n', "E0713", "cells cannot be told apart"),
        ("short.json", '[["Ann", "Bob"], ["Bob"]]', "E0719", "row 2 of `short.json` has 1 cell"),
        ("null.json", '[["Ann", null]]', "E1109", "row 1 of `null.json` holds null"),
        ("broken.json", '[["Ann", ', "E0713", "line 1"),
        ("nan.csv", "1,2.5\n3,nan\n", "E1109", "line 2 of `nan.csv` holds `nan`, which is no number"),
        (
            "large.csv",
            "1,2\n3,99999999999999999999\n",
            "E1104",
            "line 2 of `large.csv` holds `99999999999999999999`, which",
        ),
        ("below.csv", "1,2\n-3,4\n", "E1118", "line 2 of `below.csv` holds -3, but positions begin with 0"),
        ("true.json", '[["Ann", true]]', "E1109", "row 1 of `true.json` holds true"),
        ("deep.json", "[" * 100_000, "E0713", "lists inside lists without end"),
        ("wide.csv", "A" * 200_000 + ',"B"\n', "E0713", "a cell has more than 131072 letters"),
        ("nul.csv", "\0\0\0\0", "E1107", "have 1 cell, the relation has 2 places"),
        ("wide.bin", "zz", "E0711", "`.bin` is not a kind of file to load"),
        ("missing.csv", None, "E0709", "there is no file"),
    ],
)
def test_files_that_do_not_fit(tmp_path, name, content, code, said):
    text, folder = load(tmp_path, name, content or "")
    if content is None:
        (tmp_path / name).unlink()
    assert codes(text, folder) == [code]
    assert said in messages(text, folder)[0]


def test_numbers_and_words_in_one_file(tmp_path):
    declared = 'relation Road(city, city\', km: float) = load("{name}")\n'
    text, folder = load(tmp_path, "roads.csv", "from,to,km\nUlm,Bonn,430\nBonn,Ulm,430.5\n", declared)
    assert rows(told(text, folder), "Road") == {("Ulm", "Bonn", 430.0), ("Bonn", "Ulm", 430.5)}


def test_a_word_among_numbers_names_its_line(tmp_path):
    text, folder = load(
        tmp_path, "ages.csv", "Ann,30\nBob,x\n", 'relation Age(person, years: int) = load("ages.csv")\n'
    )
    assert codes(text, folder) == ["E1104"]
    assert messages(text, folder)[0] == "line 2 of `ages.csv` holds `x`, but this place holds whole numbers"


def test_a_fraction_among_whole_numbers_names_its_line(tmp_path):
    declared = 'relation Age(person, years: int) = load("{name}")\n'
    text, folder = load(tmp_path, "ages.csv", "Ann,30\nBob,3.5\nCid,4.5\n", declared)
    assert messages(text, folder) == ["line 2 of `ages.csv` holds `3.5`, but this place holds whole numbers"]


@pytest.mark.parametrize("quote", ["", '"'])
def test_large_files_are_read_in_blocks(tmp_path, quote):
    count = 120_000
    content = "".join(f"w{k % 700},{k % 1000}\n" for k in range(count)) + f"{quote}last{quote},7\n"
    declared = 'relation Seen(word, k: int) = load("{name}")\n'
    text, folder = load(tmp_path, "seen.csv", content, declared)
    assert rows(told(text, folder), "Seen") == {(f"w{k % 700}", k % 1000) for k in range(count)} | {("last", 7)}
    text, folder = load(tmp_path, "seen.csv", content + "one,2,3\n", declared)
    assert messages(text, folder) == [f"line {count + 2} of `seen.csv` has 3 cells, the lines before have 2"]


def test_digits_can_be_names(tmp_path):
    text, folder = load(
        tmp_path, "likes.csv", "7,Tea\n12,Tea\n", 'relation Likes(user: word, thing) = load("{name}")\n'
    )
    program = told(text, folder)
    assert rows(program, "Likes") == {("7", "Tea"), ("12", "Tea")}
    assert program.facts.entities["user"] == ("7", "12")


def test_positions_from_an_array(tmp_path):
    np.save(tmp_path / "edges.npy", np.array([[0, 1], [1, 3]]))
    program = told('relation Edge(n, n\') = load("edges.npy")\nSize = |n|\n', str(tmp_path))
    assert rows(program, "Edge") == {(0, 1), (1, 3)}
    assert program.definition("Size").pieces[0].value.value.value(program.sizes) == 4


def test_an_array_of_truth_values_is_a_table_of_all_positions(tmp_path):
    np.save(tmp_path / "edges.npy", np.eye(3, dtype=bool))
    program = told("relation Edge(n, n') = load(\"edges.npy\")\nD[n] = Edge(n, n')\n", str(tmp_path))
    assert program.facts is None


def test_closed_domains_name_the_line(tmp_path):
    text = "dim child = [Bob, Cid]\n" + DECLARED.format(name="p.csv")
    (tmp_path / "p.csv").write_text("Ann,Bob\nBob,Cod\n")
    assert codes(text, str(tmp_path)) == ["E1117"]
    assert "line 2 of `p.csv`" in messages(text, str(tmp_path))[0]


def test_some_rows_of_a_file(tmp_path):
    text, folder = load(tmp_path, "p.csv", "Ann,Bob\nBob,Cid\nCid,Dan\n")
    assert rows(told(text.replace('")', '")[0:2]'), folder), "Parent") == PARENT


def test_a_text_is_its_words_by_position(tmp_path):
    (tmp_path / "said.txt").write_text("Alice loves Bob. Bob loves Alice!")
    program = told('relation M(p, word) = load("said.txt", "words")\n', str(tmp_path))
    assert rows(program, "M") >= {(0, "Alice"), (1, "loves"), (5, "Alice")}


def test_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pa.table({"child": ["Bob", "Cid"], "parent": ["Ann", "Bob"]}), tmp_path / "p.parquet")
    assert rows(told(*load_only(tmp_path, "p.parquet")), "Parent") == PARENT


def load_only(tmp_path, name: str):
    return DECLARED.format(name=name), str(tmp_path)


def test_files_outside_are_refused(tmp_path):
    assert codes(DECLARED.format(name="../secret.csv"), str(tmp_path)) == ["E0704"]
    assert codes(DECLARED.format(name="/etc/hosts.csv"), str(tmp_path)) == ["E0703"]


def test_json_of_named_lists(tmp_path):
    (tmp_path / "all.json").write_text(json.dumps({"parents": [["Ann", "Bob"]], "ages": [["Ann", 3]]}))
    program = told('relation Parent(p, c) = load("all.json", "parents")\n', str(tmp_path))
    assert rows(program, "Parent") == {("Ann", "Bob")}


def test_what_the_caller_gives_stands_for_the_file(tmp_path):
    text, folder = load(tmp_path, "plain.csv", "Ann,Bob\nBob,Cid\n")
    given = tl.compile(f"{text}Has(x) <- Parent(x, _)", relations={"Parent": [("Xi", "Yo")]}, folder=folder)
    assert given.facts("Parent").rows == (("Xi", "Yo"),)
    assert given.facts("Has").rows == (("Xi",),)


def test_relations_may_take_other_columns_of_one_file(tmp_path):
    declared = 'relation Sex(person, sex) = load("{name}")\nrelation Born(person, born: int) = load("{name}")\n'
    text, folder = load(tmp_path, "people.csv", "person,sex,born\nAnn,female,1980\n", declared)
    program = told(text, folder)
    assert (rows(program, "Sex"), rows(program, "Born")) == ({("Ann", "female")}, {("Ann", 1980)})
