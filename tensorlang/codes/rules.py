"""Codes of rules that are stopped while they are evaluated (E055x)."""

from __future__ import annotations

from tensorlang.codes.record import Code

CODES: tuple[Code, ...] = (
    Code(
        "E0550", "rules do not come to an end",
        "Rules are applied until nothing new follows. Where they only combine the entities and numbers that are given, that "
        "is always so after some steps. A rule that computes numbers (`N(n+1) <- N(n)`) can go on for ever, so it is "
        "stopped after the steps that `--limit-steps` allows. A comparison in the rule (`n < 100`) bounds it.",
    ),
    Code(
        "E0551", "rules make too many rows",
        "The rows that follow from the rules, or those of a join on the way to them, need more memory than "
        "`--limit-memory` allows. A query with constants, such as `Path(A, x)?`, computes only what it needs; a rule whose "
        "body joins relations that share no variable makes as many rows as the product of both.",
    ),
    Code(
        "E0552", "a whole number of a rule is too large",
        "Whole numbers in rules have 64 bits, up to 9223372036854775807. A rule computed one that needs more; it is not "
        "wrapped around or rounded.",
    ),
    Code(
        "E0553", "a recursive minimum or maximum is multiplied by a number below 0",
        "`min` and `max` may stand in their own recursion where a better value can only lead to better ones, since then it "
        "is enough to carry the best one on. A product with a number below 0 turns better into worse.",
    ),
)  # fmt: skip
