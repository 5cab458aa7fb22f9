"""What a program means: names, modules, the projection rule, domains and types."""

from __future__ import annotations

from tensorlang.sema.check import analyse
from tensorlang.sema.setting import Setting

__all__ = ["Setting", "analyse"]
