"""Every diagnostic code with its title, explanation and example.

Feeds ``tensorlang explain E0301`` and docs/errors.md; a code that is reported but not listed here is an assertion error.
"""

from __future__ import annotations

from tensorlang.codes import calls, meaning, running, syntax
from tensorlang.codes.record import Code

CODES: dict[str, Code] = {code.code: code for code in (*syntax.CODES, *meaning.CODES, *calls.CODES, *running.CODES)}

__all__ = ["CODES", "Code"]
