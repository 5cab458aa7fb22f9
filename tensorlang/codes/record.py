"""The record of one diagnostic code."""

from __future__ import annotations

from tensorlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One diagnostic.

    ``title`` is a short lower-case phrase, ``explanation`` one or two paragraphs in the words of the language,
    ``example`` a faulty piece of program, ``instead`` the mended one (either may be empty).
    """

    code: str
    title: str
    explanation: str
    example: str = ""
    instead: str = ""
