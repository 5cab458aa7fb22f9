"""The grammar itself: the kept tables are those of the grammar, without conflicts; every rule has its builder."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import lark

from tensorlang.source import Source
from tensorlang.syntax import tables
from tensorlang.syntax.statements import Builder
from tensorlang.syntax.tree import Known

FOLDER = Path(tables.__file__).parent
GRAMMAR = (FOLDER / "grammar.lark").read_text()


def test_kept_tables_are_current():
    kept = json.loads((FOLDER / "grammar.json").read_text())
    assert kept == json.loads(json.dumps(tables.make(GRAMMAR))), "run python -m tensorlang.syntax.tables"


def test_no_conflicts(caplog):
    lark.logger.setLevel(logging.DEBUG)
    try:
        with caplog.at_level(logging.DEBUG, logger="lark"):
            lark.logger.addHandler(caplog.handler)
            tables.make(GRAMMAR)
    finally:
        lark.logger.setLevel(logging.CRITICAL)
    assert not [record.message for record in caplog.records if "onflict" in record.message]


def test_the_grammar_is_a_page():
    rules = [line for line in GRAMMAR.splitlines() if line and not line.startswith(("//", "%"))]
    assert len(rules) < 120


def test_every_rule_has_a_builder():
    actions = Builder(Source("", ""), Known(frozenset(), frozenset()), {}).actions()
    for production in tables.load().productions:
        plain = production.action is None or (production.unwrap and production.size == 1)
        assert plain or production.action in actions, production


def test_stale_tables_are_made_anew(monkeypatch):
    monkeypatch.setattr(tables.zlib, "crc32", lambda _: -1)
    fresh = tables.load.__wrapped__()
    assert fresh.rows == tables.load().rows
    assert fresh.productions == tables.load().productions


def test_reading_needs_no_lark_and_no_arrays():
    """A command that only reads a program starts fast."""
    code = (
        "import sys; from tensorlang.syntax.parse import parse; from tensorlang.syntax.format import format_text;"
        "from tensorlang.source import Source; from tensorlang.diagnostics import Problems;"
        "parse(Source('x', 'Y[i] = relu (X[i])'), Problems());"
        "heavy = {'lark', 'torch', 'numpy', 'sympy', 'quimb', 'opt_einsum', 'rich'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
