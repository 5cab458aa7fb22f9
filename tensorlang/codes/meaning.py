"""Codes of the analysis: names and modules (E02xx), domains (E03xx), projection and types (E04xx), not yet (E05xx), relations (E11xx)."""

from __future__ import annotations

from tensorlang.codes import domains, names, projection, recursion, relations
from tensorlang.codes.record import Code

CODES: tuple[Code, ...] = (*names.CODES, *domains.CODES, *projection.CODES, *recursion.CODES, *relations.CODES)
