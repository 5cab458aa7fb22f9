"""Tables and JSON: numbers are read as they stand, and anything else is an error that says where it stands."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from filing import asked, got, refusals

from tensorlang.data import Access
from tensorlang.diagnostics import RunError
from tensorlang.limits import Limits

Golden = Callable[[str, str], None]

TABLES = {
    "plain": ("1,2\n3,4\n", [[1, 2], [3, 4]], "int64"),
    "no_end": ("1,2\n3,4", [[1, 2], [3, 4]], "int64"),
    "floats": ("1,2.5\n-3e2,.5\n", [[1, 2.5], [-300, 0.5]], "float64"),
    "floats_later": ("1,2\n3,4\n5,6.5\n", [[1, 2], [3, 4], [5, 6.5]], "float64"),
    "header": ("width,height\n1,2\n", [[1, 2]], "int64"),
    "quoted_header": ('"width, mm","height"\n1,2\n', [[1, 2]], "int64"),
    "half_header": (",a\n0,1.5\n", [[0, 1.5]], "float64"),
    "windows": ("\ufeffa,b\r\n1,2\r\n3,4\r\n", [[1, 2], [3, 4]], "int64"),
    "old_mac": ("1,2\r3,4\r", [[1, 2], [3, 4]], "int64"),
    "quotes": ('"1","2"\n"3.5",4\n', [[1, 2], [3.5, 4]], "float64"),
    "semicolons": ("a;b\n1;2\n", [[1, 2]], "int64"),
    "tabs": ("1\t2\n3\t4\n", [[1, 2], [3, 4]], "int64"),
    "blanks": ("1  2\n3 4\n", [[1, 2], [3, 4]], "int64"),
    "spaces": ("1, 2\n3,  4\n", [[1, 2], [3, 4]], "int64"),
    "empty_lines": ("1,2\n\n3,4\n\n\n", [[1, 2], [3, 4]], "int64"),
    "one_column": ("1\n2\n3\n", [1, 2, 3], "int64"),
    "one_named_column": ("age\n1\n2\n", [1, 2], "int64"),
    "one_row": ("1,2,3\n", [[1, 2, 3]], "int64"),
    "truth": ("true,false\nFalse,True\n", [[True, False], [False, True]], "bool"),
    "infinite": ("inf,-inf\n1,2\n", [[math.inf, -math.inf], [1, 2]], "float64"),
    "large": ("9223372036854775807,-9223372036854775808\n", [[2**63 - 1, -(2**63)]], "int64"),
    "too_large": ("1,2\n9223372036854775808,4\n", [[1, 2], [2.0**63, 4]], "float64"),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(home: Path, access: Access, name: str) -> None:
    text, expected, kind = TABLES[name]
    (home / "x.csv").write_bytes(text.encode("utf-8"))
    array = got(access, "x.csv")
    assert array.tolist() == expected
    assert array.dtype == kind


def test_a_written_nan_is_a_number(home: Path, access: Access) -> None:
    (home / "x.csv").write_text("1,nan\nNaN,2\n")
    assert str(got(access, "x.csv").tolist()) == "[[1.0, nan], [nan, 2.0]]"


def test_tabs_and_plain_text(home: Path, access: Access) -> None:
    (home / "x.tsv").write_text("a b\tc\n1\t2\n")
    assert got(access, "x.tsv").tolist() == [[1, 2]]
    assert got(access, "x.tsv", "a b").tolist() == [1]
    (home / "x.txt").write_text("# made by hand\n1.5 2\n   # between\n3   4\n")
    assert got(access, "x.txt").tolist() == [[1.5, 2], [3, 4]]


def test_columns_and_rows(home: Path, access: Access) -> None:
    (home / "iris.csv").write_text("length,width,kind\n5.1,3.5,setosa\n6.2,2.9,other\n7,3,other\n")
    assert got(access, "iris.csv", "width").tolist() == [3.5, 2.9, 3]
    assert got(access, "iris.csv", "length", (1, None)).tolist() == [6.2, 7]


WRONG = {
    "words.csv": "a,b\n1,2\n3,four\n",
    "no_names.csv": "5.1,3.5,setosa\n4.9,3.0,setosa\n",
    "mixed_names.csv": "150,4,setosa,other\n5.1,3.5,1.4,0\n",
    "missing.csv": "1,2\n3,\n",
    "missing_word.csv": "1,2\nNA,3\n",
    "ragged.csv": "1,2\n3,4\n5\n",
    "trailing.csv": "1,2\n3,4,\n",
    "comma.csv": "1,5;2\n2,5;3\n",
    "underscore.csv": "1,2\n1_000,3\n",
    "mixed_truth.csv": "true,false\n1,0\n",
    "mixed_numbers.csv": "1,0\ntrue,0\n",
    "empty.csv": "",
    "blank.csv": "\n  \n",
    "only_names.csv": "a,b\n",
    "control.csv": "1,2\n3,\x1b[31m\n",
    "long_word.csv": "1,2\n3," + "x" * 500 + "\n",
    "open_quote.csv": '1,2\n"3,4\n',
    "zero_byte.csv": "1,2\n3,\0\n",
    "words.txt": "to be or not to be\n1 2 3 4 5 6\n",
    "one_word.txt": "1 2\n3 x\n",
    "ragged.tsv": "1\t2\n3\n",
}


def test_tables_that_are_not_numbers(home: Path, access: Access, golden: Golden) -> None:
    for name, text in WRONG.items():
        (home / name).write_text(text)
    (home / "latin.csv").write_bytes("größe\n1\n".encode("latin-1"))
    (home / "utf16.csv").write_bytes("1,2\n".encode("utf-16"))
    (home / "good.csv").write_text("width,height,width\n1,2,3\n")
    (home / "bare.csv").write_text("1,2\n")
    keyed = [
        asked("good.csv", "with"),
        asked("good.csv", "width"),
        asked("bare.csv", "a"),
        asked("bare.csv", None, (0, 2)),
    ]
    golden("tables.txt", refusals(access, [*map(asked, WRONG), asked("latin.csv"), asked("utf16.csv"), *keyed]))


def test_a_table_that_unpacks_beyond_the_limit(home: Path) -> None:
    (home / "x.csv").write_text("1,1,1,1\n" * 2000)
    with pytest.raises(RunError, match=r"E0708.*unpacks to"):
        got(Access(str(home), limits=Limits(file=20_000)), "x.csv")


def test_a_line_without_end(home: Path, access: Access) -> None:
    (home / "x.csv").write_text("1," * 3_000_000)
    with pytest.raises(RunError, match=r"E0713.*line 1 is longer"):
        got(access, "x.csv")


DOCUMENTS = {
    "one": ("2.5", 2.5, "float64"),
    "list": ("[1, 2, 3]", [1, 2, 3], "int64"),
    "lists": ("[[1, 2], [3, 4.5]]", [[1, 2], [3, 4.5]], "float64"),
    "truth": ("[true, false]", [True, False], "bool"),
    "deep": ("[[[1]], [[2]]]", [[[1]], [[2]]], "int64"),
    "empty": ("[]", [], "float64"),
    "empties": ("[[], []]", [[], []], "float64"),
    "only_one": ('{"X": [1, 2]}', [1, 2], "int64"),
    "infinite": ("[Infinity, 1]", [math.inf, 1], "float64"),
    "marked": ("\ufeff[1]", [1], "int64"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(home: Path, access: Access, name: str) -> None:
    text, expected, kind = DOCUMENTS[name]
    (home / "x.json").write_text(text, encoding="utf-8")
    array = got(access, "x.json")
    assert array.tolist() == expected
    assert array.dtype == kind


def test_a_named_part_of_a_document(home: Path, access: Access) -> None:
    (home / "x.json").write_text('{"X": [[1, 2], [3, 4]], "y": [5, 6], "note": "text"}')
    assert got(access, "x.json", "X", (1, 2)).tolist() == [[3, 4]]
    assert got(access, "x.json", "y").tolist() == [5, 6]


BROKEN = {
    "empty": " ",
    "open": "[1, 2",
    "words": "hello",
    "ragged": "[[1, 2], [3]]",
    "ragged_deep": "[[[1], [2]], [[3], [4, 5]]]",
    "uneven": "[[1, 2], 3]",
    "uneven_too": "[1, [2]]",
    "text": '[1, "two"]',
    "null": "[1, null]",
    "object": '[1, {"a": 2}]',
    "nothing": "null",
    "truth": "[true, 1]",
    "twice": '{"X": 1, "X": 2}',
    "no_end": "[" * 100_000,
    "deep": "[" * 70 + "1" + "]" * 70,
    "digits": "[1" + "0" * 5000 + "]",
    "two": '{"X": 1, "Y": 2}',
    "none": "{}",
}


def test_documents_that_are_not_numbers(home: Path, access: Access, golden: Golden) -> None:
    for name, text in BROKEN.items():
        (home / f"{name}.json").write_text(text)
    (home / "latin.json").write_bytes(b'{"gr\xf6\xdfe": 1}')
    (home / "list.json").write_text("[1, 2]")
    requests = [asked(f"{name}.json") for name in (*BROKEN, "latin")]
    golden("documents.txt", refusals(access, [*requests, asked("two.json", "Z"), asked("list.json", "X")]))


def test_whole_numbers_beyond_64_bits(home: Path, access: Access) -> None:
    (home / "x.json").write_text("[36893488147419103232]")
    with pytest.raises(RunError, match=r"E0717.*beyond 64 bits"):
        got(access, "x.json")


def test_a_document_that_would_fill_the_memory(home: Path) -> None:
    (home / "x.json").write_text("[" + "1," * 5000 + "1]")
    with pytest.raises(RunError, match=r"E0708.*would take while it is read"):
        got(Access(str(home), limits=Limits(file=100_000)), "x.json")
