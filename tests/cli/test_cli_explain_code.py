"""``explain E1003``: the long form of every code, and of none that does not exist."""

from __future__ import annotations

import pytest

from tensorlang.codes import CODES


def test_the_long_form(call, golden):
    said = call("explain", "e1003")
    assert (said.code, said.err) == (0, "")
    golden("explain-E1003.txt", said.out)
    assert call("explain", "[E1003]").out == said.out


def test_the_long_form_as_json(call):
    document = call("explain", "E1001", "--json").document
    assert document["ok"] is True
    assert document["code"]["title"] == CODES["E1001"].title


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_one(code, call):
    said = call("explain", code)
    assert said.code == 0
    assert said.out.startswith(f"{code}: {CODES[code].title}\n\n")
    assert max(map(len, said.out.splitlines())) <= 120


def test_bold_where_colour_is_wanted(call, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\033[1m" in call("explain", "E1003").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033" not in call("explain", "E1003").out
