"""The loop of training: batch, loss, gradient, step; and when to stop.

In: a ``Training``. Out: its ``Curve``. A step is taken only after the loss and its gradients are known to be
finite, so that whatever ends a training leaves parameters that were good. The loop adds to torch's own work one
number read from the loss and one from the gradients.
"""

from __future__ import annotations

import math
import time

import torch
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from tensorlang.diagnostics import RunError, diagnostic, run_error
from tensorlang.learn.batches import Batches
from tensorlang.learn.checkpoint import Course, restore, snapshot
from tensorlang.learn.interrupts import Interrupts
from tensorlang.learn.job import Curve, Training, Watch
from tensorlang.learn.methods import check_learning
from tensorlang.learn.optimisers import stepper

# Seconds between two words to the watch.
_BEAT = 0.1


class Run:
    """One training while it runs."""

    def __init__(self, job: Training, watch: Watch | None) -> None:
        settings, schedule = check_learning(job.method, job.options, job.schedule, job.batch, job.span)
        if not job.parameters:
            message = f"there is no parameter to make `{job.name}` smaller with"
            raise run_error("E0805", message, job.span, help=("declare one: `param W[i]`",))
        if job.batch is not None and job.rows == 0:
            raise run_error("E0811", f"`{job.name}` has no rows to take batches from", job.span)
        self.job = job
        self.watch = watch
        self.parameters = list(job.parameters.values())
        self.batches = Batches(job.rows, job.batch, job.seed, self.parameters[0].device)
        self.stepper = stepper(job.method, settings, self.parameters)
        steps, epochs = int(schedule["steps"]), int(schedule["epochs"])
        self.steps = steps if "steps" in job.schedule else epochs * self.batches.number
        self.warmup, self.decay, self.clip = schedule["warmup"], schedule["decay"], schedule["clip"]
        self.course = Course()
        self.checked = False
        if job.resume is not None:
            self.course = restore(job, job.resume, self.stepper, self.batches)

    def train(self) -> Curve:
        began = time.monotonic()
        clock = _Clock(began, self.course.steps)
        interrupted = False
        with Interrupts() as interrupts, torch.enable_grad():
            try:
                while self.course.steps < self.steps and not interrupts.asked:
                    self._epoch(interrupts, clock)
                interrupted = interrupts.asked
            except KeyboardInterrupt:
                interrupted = True
            finally:
                for parameter in self.parameters:
                    parameter.grad = None
                self._tell(clock)
        self._keep(clock)
        return self.course.curve(time.monotonic() - began, interrupted)

    def _epoch(self, interrupts: Interrupts, clock: _Clock) -> None:
        """The batches of one epoch, or those that are left of it."""
        for rows in self.batches.epoch()[self.course.in_epoch :]:
            loss = self._search(rows) if self.stepper.searches else self._descend(rows)
            self.course.add(loss, self.batches.number)
            if self.job.after_step is not None:
                with torch.no_grad():
                    self.job.after_step()
            self._look(clock)
            if interrupts.asked or self.course.steps >= self.steps:
                break

    # --- one step --------------------------------------------------------------------------------------------------

    def _descend(self, rows: Tensor | None) -> float:
        loss = self._evaluate(rows)
        self._scale()
        self.stepper.step()
        return loss

    def _search(self, rows: Tensor | None) -> float:
        """A step that evaluates several times: should one of them fail, the parameters are put back."""
        before = [parameter.detach().clone() for parameter in self.parameters]
        losses: list[float] = []

        def closure() -> Tensor:
            losses.append(self._evaluate(rows))
            return torch.tensor(losses[-1], dtype=torch.float64)

        self._scale()
        try:
            self.stepper.search(closure)
        except (RunError, RuntimeError, KeyboardInterrupt):
            with torch.no_grad():
                for parameter, old in zip(self.parameters, before, strict=True):
                    parameter.copy_(old)
            raise
        return losses[0]

    def _evaluate(self, rows: Tensor | None) -> float:
        """The loss, with finite gradients left in the parameters."""
        loss = self.job.loss(rows)
        if not self.checked:
            self._check_loss(loss)
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward(inputs=self.parameters)  # type: ignore[no-untyped-call]
        value = float(loss.item())
        if not math.isfinite(value):
            raise self._not_finite(value)
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        if not self.checked:
            self._check_reached(gradients)
        norm = get_total_norm(gradients)
        if not math.isfinite(norm.item()):
            raise self._steep()
        if self.clip:
            clip_grads_with_norm_(self.parameters, self.clip, norm)
        return value

    def _scale(self) -> None:
        """The rate of this step: a linear rise, then half a cosine down."""
        if not self.warmup and self.decay == 1:
            return
        at = self.course.steps
        factor = min(1.0, (at + 1) / self.warmup) if self.warmup else 1.0
        if at > self.warmup:
            way = (at - self.warmup) / max(1.0, self.steps - self.warmup)
            factor *= self.decay + (1 - self.decay) * 0.5 * (1 + math.cos(math.pi * min(1.0, way)))
        self.stepper.scale(factor)

    # --- between two steps -----------------------------------------------------------------------------------------

    def _look(self, clock: _Clock) -> None:
        now = time.monotonic()
        if now - clock.told >= _BEAT:
            self._tell(clock)
        if self.job.checkpoint is not None and now - clock.kept >= self.job.every:
            self._keep(clock)
        if self.job.seconds and now - clock.began > self.job.seconds:
            self._keep(clock)
            message = f"training ran out of time after step {self.course.steps} of {self.steps}"
            hint = f"`--limit-time {self.job.seconds:g}` was given; the parameters are those after that step"
            raise run_error("E0810", message, self.job.span, help=(hint,))

    def _tell(self, clock: _Clock) -> None:
        clock.told = time.monotonic()
        if self.watch is None or not self.course.every_step:
            return
        rate = (self.course.steps - clock.first) / max(clock.told - clock.began, 1e-9)
        numbers = {
            "epoch": float(len(self.course.losses) + (self.course.in_epoch > 0)),
            "loss": self.course.every_step[-1],
            "rate": rate,
        }
        if self.job.rows and self.job.batch:
            numbers["rows/s"] = rate * self.job.rows / self.batches.number
        self.watch.progress(self.job.name, self.course.steps, self.steps, numbers)

    def _keep(self, clock: _Clock) -> None:
        if self.job.checkpoint is not None:
            self.job.checkpoint(snapshot(self.job, self.course, self.stepper, self.batches))
        clock.kept = time.monotonic()

    # --- what may be wrong -----------------------------------------------------------------------------------------

    def _check_loss(self, loss: Tensor) -> None:
        name, span = self.job.name, self.job.span
        if loss.shape != ():
            found = " x ".join(map(str, loss.shape))
            message = f"`{name}` is a tensor of shape {found}, and only a single number can be minimized"
            raise run_error("E0804", message, span, help=(f"sum over all indices: `{name} = ...`",))
        if loss.is_complex():
            message = f"`{name}` is complex, and only a real number can be minimized"
            raise run_error("E0804", message, span, help=(f"minimize `abs({name})` or `real({name})`",))
        if not loss.requires_grad:
            raise self._unreached()

    def _check_reached(self, gradients: list[Tensor]) -> None:
        if not gradients:
            raise self._unreached()
        self.checked = True

    def _unreached(self) -> RunError:
        names = ", ".join(f"`{name}`" for name in list(self.job.parameters)[:4])
        names += ", ..." if len(self.job.parameters) > 4 else ""
        hint = "use them in it, through functions that are not flat everywhere (as `step`, `floor` and comparisons are)"
        message = f"no parameter changes `{self.job.name}` (tried {names})"
        return run_error("E0805", message, self.job.span, help=(hint,))

    @property
    def _at(self) -> str:
        return f"at step {self.course.steps + 1} of {self.steps}"

    def _not_finite(self, value: float) -> RunError:
        notes = self._blamed()
        found = "nan (not a number)" if math.isnan(value) else "infinite" if value > 0 else "minus infinity"
        message = f"`{self.job.name}` became {found} {self._at}"
        hint = f"the parameters are as before this step; try a smaller rate, such as lr={self.stepper.rate / 10:g}"
        return RunError([diagnostic("E0806", message, self.job.span, notes=notes, help=(hint,))])

    def _blamed(self) -> tuple[str, ...]:
        where = self.job.blame() if self.job.blame is not None else None
        return (f"the first value that is not finite is in {where}",) if where else ()

    def _steep(self) -> RunError:
        found = ((name, parameter.grad) for name, parameter in self.job.parameters.items())
        bad = [name for name, grad in found if grad is not None and not bool(grad.isfinite().all())]
        names = ", ".join(f"`{name}`" for name in bad[:4]) + (", ..." if len(bad) > 4 else "")
        message = f"the derivative of `{self.job.name}` by {names} is not finite {self._at}"
        if not bad:
            message = f"the gradients of `{self.job.name}` are too large to measure {self._at}"
        hint = "the parameters are as before this step; look for a root, a logarithm or a division at 0"
        return RunError([diagnostic("E0807", message, self.job.span, notes=self._blamed(), help=(hint,))])


class _Clock:
    """Moments: when the run began, and its first step; when the watch was told and a checkpoint kept last."""

    def __init__(self, began: float, first: int) -> None:
        self.began, self.told, self.kept, self.first = began, began, began, first
