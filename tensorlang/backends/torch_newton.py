"""All positions of a recurrence at once, as text: Newton's method, or the loop in scripts.

In: a ``LoopPlan`` with its ``whole``. Out: lines of the function that is called in the place of the loop.
"""

from __future__ import annotations

from tensorlang.ir.plan import LoopPlan

KERNEL = "newton"


def newton_lines(plan: LoopPlan) -> list[str]:
    """The function, those of the loop and of all positions being defined before it."""
    whole, made = plan.whole, plan.loop.whole
    if whole is None or made is None:
        return []
    loop = [f"a{at}" for at, _ in enumerate(whole.loop)]
    given = [f"b{at}" for at, _ in enumerate(whole.given)]
    typed = [f"{name}: {kind}" for name, kind in zip((*loop, *given), (*whole.loop, *whole.given), strict=True)]
    manner = plan.loop.scan.manner
    settings = f"{made.axis}, {[*made.rows]}, {made.lag}, {float(manner.tolerance)!r}, {manner.most}"
    return [
        f"def {whole.function}({', '.join(typed)}, guess: Tensor) -> Tensor:",
        "    if torch.jit.is_scripting():",
        f"        return {plan.function}({', '.join(loop)})",
        "    else:",
        f"        given, loop_given = [{', '.join(given)}], [{', '.join(loop)}]",
        f'        settings = ({settings}, "{plan.function}")',
        f"        return {KERNEL}({whole.step}, given, {whole.place}, {plan.function}, loop_given, guess, *settings)",
    ]
