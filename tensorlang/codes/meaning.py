"""Codes of the analysis: names and modules (E02xx), domains (E03xx), projection and types (E04xx), not yet (E05xx)."""

from __future__ import annotations

from tensorlang.codes.record import Code

_TITLES = {
    **{f"E02{n:02}": "" for n in range(1, 32)},
    **{f"E03{n:02}": "" for n in range(1, 14)},
    **{f"E04{n:02}": "" for n in range(1, 21)},
    **{f"E05{n:02}": "" for n in range(1, 9)},
    "E0903": "", "E0904": "", "E0905": "", "E0906": "", "W0401": "",
}  # fmt: skip

CODES: tuple[Code, ...] = tuple(Code(code, title, "") for code, title in _TITLES.items())
