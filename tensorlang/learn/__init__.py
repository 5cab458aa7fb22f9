"""Learning: make a loss smaller by changing parameters, step by step.

In: a ``Training`` (parameters, the loss as a function of the rows of a minibatch, method, schedule) and a ``Watch``
that is told how it goes. Out: the parameters changed in place, and the ``Curve`` of the losses. What goes wrong
leaves as ``RunError`` with the parameters as they were after the last good step. Importing this package imports no
torch.
"""

from __future__ import annotations

from tensorlang.learn.job import Curve, Snapshot, Training, Watch
from tensorlang.learn.methods import METHODS, SCHEDULE, check_learning

__all__ = ["METHODS", "SCHEDULE", "Curve", "Snapshot", "Training", "Watch", "check_learning", "train"]


def train(job: Training, watch: Watch | None = None) -> Curve:
    """Train to the end of the schedule, to the end of the time, or to Ctrl-C; raises ``RunError``."""
    from tensorlang.learn.loop import Run

    return Run(job, watch).train()
