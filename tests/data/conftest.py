"""A folder with a program in it, and the access that the program has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tensorlang.data import Access


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def access(home: Path) -> Access:
    return Access(str(home))
