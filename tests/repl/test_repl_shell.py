"""A conversation: values at once, definitions replaced, mistakes without harm."""

from __future__ import annotations

import pytest

from tensorlang.repl.shell import Shell


def test_an_equation_shows_shape_and_value(say):
    assert say("A = [[1, 2], [3, 4]]").splitlines()[0].startswith("A[")
    assert say("Trace = A[i,i]") == "Trace = 5\n"
    assert say("Row[i] = A[i,j]") == "Row[i]  2  int\n  i  0  1\n     3  7\n"


def test_a_name_that_is_defined_again_is_replaced(say):
    say("a = 2")
    say("b = a + 1")
    assert say("a = 5") == "a = 5\n"
    assert say("b?") == "b = 6\n"


def test_a_bare_expression_asks(say):
    say("A = [1, 2, 3]")
    assert say("A[0] + 10").endswith(" = 11\n")
    assert say("2 + 3").endswith(" = 5\n")
    assert say("sum[i](A[i])").endswith(" = 6\n")
    assert say("abs(0 - A[1])").endswith(" = 2\n")
    assert say("relu(A[i])").startswith("relu(A[i])  3")


def test_a_semicolon_keeps_it_quiet(say):
    assert say("a = 2;") == ""
    assert say("a?") == "a = 2\n"


def test_a_mistake_changes_nothing(say, shell):
    say("a = 2")
    for wrong in ("a = (3", "a = missing + 1", "a[i] = 3 +* 4"):
        assert say(wrong).startswith("error[E")
    assert shell.mistakes == 3
    assert say("a?") == "a = 2\n"


def test_an_interruption_changes_nothing(say, shell, monkeypatch):
    say("a = 2")

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(shell.session), "run", interrupted)
        assert say("a = 3") == "interrupted; everything is as it was\n"
    assert say("a?") == "a = 2\n"


def test_a_fault_of_ours_changes_nothing(say, shell, monkeypatch):
    say("a = 2")

    def broken(*_):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(type(shell.session), "run", broken)
        assert say("a = 3").startswith("this is a bug in tensorlang, in repl/shell.py, line ")
    assert say("a?") == "a = 2\n"


def test_a_pasted_transcript(say):
    assert say("tl> a = (1\n...> + 2)\na = 3\ntl> b = a + 1\nb = 4\n") == "a = 3\nb = 4\n"


def test_help(say):
    page = say(":help")
    for word in (":help", ":type", ":explain", ":source", ":load", ":save", ":time", ":quit"):
        assert f"\n  {word} " in page or f"\n  {word}\n" in page
    assert max(map(len, page.splitlines())) <= 110
    assert say(":help relu").startswith("relu: ")
    assert say(":help e1010").startswith("E1010: ")
    assert say(":help :load").startswith(":load FILE  ")
    assert "did you mean `relu`?" in say(":help rleu")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (":exit", "error[E1010]: there is no command `:exit`"),
        (":qiut", "did you mean `:quit`?"),
        (":s", "error[E1010]: `:s` may be `:source` or `:save` or `:set` or `:seed`"),
        (":", "error[E1010]: there is no command `:`"),
        (":type", "error[E1011]: `:type` needs a name"),
        (":load", "error[E1011]: `:load` needs a file"),
        (":load nowhere.tl", "error[E0619]"),
        (":save", "error[E1011]: `:save` needs a file name"),
        (":set X", "error[E1011]: `:set` needs a name and a value"),
        (":seed x", "error[E1011]: `:seed` needs a whole number"),
        (":type nothing", "error["),
        (":explain nothing", "error["),
        (":source nothing", "error["),
    ],
)
def test_wrong_commands(line, answer, say, shell):
    said = say(line)
    assert answer in said
    assert "bug" not in said
    assert shell.mistakes == 1


def test_type_and_names(say):
    assert say(":names") == "nothing is defined yet\n"
    say("A = [[1, 2], [3, 4]]")
    say("s = A[i,i]")
    assert say(":type A").startswith("A[")
    assert "2 x 2" in say(":type A")
    assert len(say(":names").splitlines()) >= 2


def test_explain_and_source(say):
    say("A = [[1.0, 2], [3, 4]]")
    say("Row[i] = A[i,j]")
    assert "sum[j]" in say(":explain Row")
    assert "sum[j]" in say(":explain")
    assert "torch" in say(":source")
    assert "torch" in say(":source Row")
    assert say(":explain Row source") == say(":source Row")


def test_list_save_load(say, shell, tmp_path):
    assert say(":list") == "nothing is entered yet\n"
    say("a = 2")
    say("b = a + 1")
    assert "b = a + 1" in say(":list")
    assert say(":save x.tl") == "saved x.tl\n"
    text = (tmp_path / "x.tl").read_text()
    assert say(":save x.tl") == "saved x.tl\n"
    (tmp_path / "other.tl").write_text("c = 9\n")
    assert "error[E1006]" in say(":save other.tl")
    assert say(":reset") == ""
    assert say(":names") == "nothing is defined yet\n"
    assert "b = 3" in say(":load x.tl")
    assert (tmp_path / "x.tl").read_text() == text
    assert say("b?") == "b = 3\n"


def test_a_file_reads_what_lies_beside_it(say, shell, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.csv").write_text("1,2\n3,4\n")
    (tmp_path / "sub" / "x.tl").write_text('data X[n,i] = load("x.csv")\nS = X[n,i]\n')
    assert "S = 10" in say(":load sub/x.tl")


def test_set(say, tmp_path):
    import numpy

    said = say("input X[i]\nS = X[i]")
    assert "waits for `X`" in said
    assert say(":set X = [1, 2, 3.5]") == ""
    assert say("S?") == "S = 6.5\n"
    numpy.save(tmp_path / "x.npy", numpy.arange(4.0))
    say(':set X = "x.npy"')
    assert say("S?") == "S = 6.0\n"
    assert "error[E1011]: `foo` is no value" in say(":set X = foo")
    assert "error[E07" in say(':set X = "missing.npy"')


def test_seed(say):
    say("dim i = 3")
    first = say("param W[i] ~ normal(0, 1)")
    say(":reset")
    say(":seed 5")
    say("dim i = 3")
    assert say("param W[i] ~ normal(0, 1)") != first


def test_time(say):
    assert say(":time a = 2").splitlines()[0] == "a = 2"
    assert say(":time a = 2").splitlines()[1].endswith(" s")
    assert say(":time") == "the time of each entry is shown\n"
    assert say("a?").splitlines()[1].endswith(" s")
    assert say(":time").startswith("the time of each entry is no longer shown")


def test_quit(say, shell):
    say(":quit\na = 2")
    assert shell.done
    assert shell.session.names == ()


def test_habits_from_elsewhere(say, shell):
    assert say("help") == say(":help")
    say("quit = 3")
    assert say("quit") == "quit = 3\n"
    say("exit")
    assert shell.done


def test_failed_assertions_are_told(say):
    said = say("assert 1 + 1 == 3")
    assert said.startswith("assertion failed: 1 + 1 == 3\n")


def test_training(say):
    say("param w ~ zeros()")
    say("Loss = (w - 3)^2;")
    said = say("minimize Loss with sgd(lr=0.1), steps=100")
    assert "step 100/100" in said
    assert abs(float(say("w?").split()[-1]) - 3) < 1e-3


def test_the_folder_is_where_one_stands(shell, tmp_path):
    assert isinstance(shell, Shell)
    assert shell.session.folder == str(tmp_path)
