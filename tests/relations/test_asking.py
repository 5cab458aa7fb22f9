"""Facts, rules and queries entered one by one, from Python, and as notebooks and terminals show them."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys

import pytest
import torch

import tensorlang as tl
from tensorlang.console.reading import Reading, shows_reading
from tensorlang.console.streams import Console
from tensorlang.display import show_answers
from tensorlang.repl.shell import as_statement

FAMILY = "Parent(Ann, Bob)\nParent(Bob, Cid)\nAnc(x,z) <- Parent(x,z)\nAnc(x,z) <- Parent(x,y), Anc(y,z)\n"


def session(*entries: str) -> tl.Session:
    made = tl.Session()
    for entry in entries:
        made.run(entry)
    return made


def test_a_fact_that_comes_later_is_seen():
    made = session(*FAMILY.splitlines())
    (before,) = made.run("Anc(Ann, x)?")
    made.run("Parent(Cid, Dan)")
    (after,) = made.run("Anc(Ann, x)?")
    assert list(before) == [("Bob",), ("Cid",)]
    assert list(after) == [("Bob",), ("Cid",), ("Dan",)]


def test_proofs_name_the_entry_of_a_rule():
    (proof,) = session(*FAMILY.splitlines()).run("why Anc(Ann, Bob)?")
    assert proof.lines == ("Anc(Ann, Bob)   by line 1 of <3>", "└─ Parent(Ann, Bob)   given")


@pytest.mark.parametrize(
    "wrong", ["Anc(Anne, x)?", "Parent(Dan)", "Q(x) <- Anc(x, Dan)", "Parent(Eva, x)", "Q(y) <- Anc(x, _)"]
)
def test_a_mistake_leaves_the_session_as_it_was(wrong):
    made = session(*FAMILY.splitlines())
    with pytest.raises(tl.CompileError):
        made.run(wrong)
    (answers,) = made.run("Anc(Ann, x)?")
    assert answers.count == 2


def test_numbers_of_a_declared_relation_are_entered_and_replaced():
    made = session(
        "float relation Road(c, c')", "Road(Ulm, Bonn) = 440", "Road(Bonn, Ulm) = 441", "Road(Ulm, Bonn) = 442"
    )
    (value,) = made.run("W[c,c'] = Road(c,c')")
    assert value.data.tolist() == [[0, 441], [442, 0]]  # Bonn was named first: the number of Ulm was entered last


def test_the_type_of_a_relation_is_its_places():
    assert (
        session("relation Road(city, city, km: int)", "Road(Ulm, Bonn, 440)").type("Road")
        == "Road(city, city, int)  relation"
    )


def test_an_entity_more_is_an_element_more():
    made = session("relation P(person, person)", "P(Ann, Bob)", "dim d = 2", "param E[person, d] ~ ones()")
    made.run("P(Bob, Cid)")
    assert made["E"].shape == (3, 2)


@pytest.mark.parametrize(
    ("entry", "asked"),
    [
        ("Anc(Ann, x)", True),
        ("Anc(_, x)", True),
        ("Anc(Ann, Bob)", False),
        ("New(x)", False),
        ("Age(Ann, k)", False),
        ("Anc(x, y), x != Ann", True),
        ("Q(x) <- Anc(x, y)", False),
    ],
)
def test_what_the_loop_takes_for_a_question(entry, asked):
    assert as_statement(entry, ("Anc", "Age", "k")) == (f"{entry}?" if asked else entry)


def test_notebooks_show_entities_and_answers():
    results = tl.run(FAMILY + "T[x,y] = Anc(x,y)\nT?\nAnc(Ann, x)?\nAnc(Ann, Bob)?\nwhy Anc(Ann, Bob)?\n")
    page = results._repr_html_()
    assert ">Cid</th>" in page
    assert "2 answers" in page
    assert "<code>true</code>" in page
    assert list(results["Anc(Ann, x)"]) == [("Bob",), ("Cid",)]
    assert ">Bob</th>" in tl.compile(FAMILY + "T[x,y] = Anc(x,y)\n")()._repr_html_()
    assert "└─ Parent" in session(*FAMILY.splitlines()).run("why Anc(Ann, Bob)?")._repr_html_()


def test_words_do_not_command_the_terminal():
    program = tl.compile("relation P(a)\n", relations={"P": [("\x1b[31mred",), ("two\nlines",)]})
    shown = show_answers(program.query("P(x)"))
    assert "\x1b" not in shown
    assert shown.splitlines()[2:] == ["  \\x1b[31mred", "  two\\nlines"]


def test_modules_with_relations_are_copied_kept_and_moved():
    program = tl.compile(FAMILY + "dim d = 2\nparam E[x, d]\nD[x] = Anc(x,y)\nS[x,d] = Anc(x,y) E[y,d]\n")
    for other in (
        copy.deepcopy(program),
        pickle.loads(pickle.dumps(program)),
        copy.deepcopy(program).to(torch.float64),
    ):
        assert list(other.query("Anc(Ann, x)")) == [("Bob",), ("Cid",)]
        assert torch.allclose(other()["S"].float(), program()["S"])
        assert other()["D"].tolist() == [2, 1, 0]


def test_assertions_read_relations():
    tl.run(FAMILY + 'assert Anc(Ann, Cid)\nassert not Anc(Cid, Ann)\ntest "all": assert Anc(Bob, Cid)\n')
    with pytest.raises(tl.RunError, match="assertion failed"):
        tl.run(FAMILY + "assert Anc(Cid, Ann)\n")


def test_training_over_a_told_relation():
    text = FAMILY + (
        "dim d = 3\nparam E[x, d] ~ normal(0, 1)\nparam F[y, d] ~ normal(0, 1)\n"
        "S[x,y] = sig(E[x,d] F[y,d])\nT[x,y] = Anc(x,y)\nLoss = (S[x,y] - T[x,y])^2\n"
        "minimize Loss with adam(lr=0.1), epochs=150\nLoss?\n"
    )
    assert float(tl.run(text)["Loss"]) < 0.05


# --- limits and progress ---------------------------------------------------------------------------------------------


def test_rules_without_end_stop_at_a_named_limit():
    program = tl.compile("N(1)\nN(x + 1) <- N(x)\n", limits=tl.Limits(steps=50))
    with pytest.raises(tl.CompileError, match="still grows after 50 steps"):
        program.query("N(x)")


def test_checking_a_program_with_a_file_is_light(tmp_path):
    (tmp_path / "p.csv").write_text("Ann,Bob\nBob,Cid\n")
    (tmp_path / "p.tl").write_text('relation P(a, a\') = load("p.csv")\nQ(x) <- P(x, Bob), not P(Bob, x)\nQ(x)?\n')
    look = (
        "import sys\nfrom tensorlang.cli import main\ncode = main(['check', 'p.tl'])\n"
        "heavy = {'numpy', 'torch', 'duckdb', 'sympy', 'pyarrow'} & {name.partition('.')[0] for name in sys.modules}\n"
        "print(code, sorted(heavy))\n"
    )
    ran = subprocess.run([sys.executable, "-c", look], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "0 []"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals(monkeypatch):
    times = iter([0.0, 0.2, 0.7, 0.72, 0.9, 1.0, 1.1])
    monkeypatch.setattr("tensorlang.console.reading.time.monotonic", lambda: next(times))
    err = Terminal()
    told = Reading(Console(io.StringIO(), err))
    for done in (10, 20, 50, 60, 80, 100):
        told("edges.csv", done, 100)
    assert err.getvalue().replace("\r\033[K", "|") == "|reading edges.csv  50%|reading edges.csv  80%|"
    assert shows_reading(Console(io.StringIO(), Terminal()))
    assert not shows_reading(Console(io.StringIO(), io.StringIO()))
    assert not shows_reading(Console(io.StringIO(), Terminal(), quiet=True))
    assert not shows_reading(Console(io.StringIO(), Terminal(), json=True))


def test_rows_of_a_relation_of_numbers_show_their_numbers():
    text = "float relation Road(city, city')\nRoad(Ulm, Bonn) = 440\nRoad(Bonn, Aachen) = 91\n"
    text += "Road(Bonn, Aachen) = 2\nRoad?\n"
    found = tl.run(text)["Road"]
    assert found.variables == ("city", "city'", "weight")
    assert list(found) == list(tl.compile(text).facts("Road")) == [("Ulm", "Bonn", 440.0), ("Bonn", "Aachen", 93.0)]
