"""Which library kernel computes a node: a table of rules, asked in order before the generic lowering.

In: a node of the Program. Out: a value, or None where no rule fits. A new kernel is one function, one line
in ``RULES``.
"""

from __future__ import annotations

from tensorlang.passes.values import Rule

RULES: tuple[Rule, ...] = ()
