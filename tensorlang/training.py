"""``minimize``: a program's loss as ``learn`` wants it, a function of the rows of a minibatch.

In: a compiled module, the inputs, the action. Out: the module's parameters trained, and the curve of the losses. A
minibatch is a choice of positions of one size: every tensor with an axis of just that size, be it data, an input or a
parameter, is cut to those positions, and the loss is computed from what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from tensorlang.binding import numbers
from tensorlang.blaming import blame
from tensorlang.calling import Table, all_converted, settle
from tensorlang.data import chosen, read_tensors, write_tensors
from tensorlang.diagnostics import run_error
from tensorlang.ir.domain import Symbol
from tensorlang.ir.program import MinimizeAction, Tensor
from tensorlang.keeping import check_training
from tensorlang.learn import Curve, Snapshot, Training, train
from tensorlang.module import Module
from tensorlang.options import Options
from tensorlang.records import dataclass, field
from tensorlang.report import Reporter
from tensorlang.stored import attribute
from tensorlang.unsettled import in_words


@dataclass(slots=True)
class Batched:
    """Tensors of a program for all rows, or for some of them. ``rows`` are those of the last evaluation."""

    module: Module
    given: dict[str, torch.Tensor]
    symbol: Symbol | None
    rows: torch.Tensor | None = None
    next: dict[str, torch.Tensor] = field(default_factory=dict)

    def evaluate(
        self, names: tuple[str, ...], rows: torch.Tensor | None, step: bool = False
    ) -> dict[str, torch.Tensor]:
        """Tensors for some rows; in a ``step``, the next values of buffers are left in ``next``."""
        self.rows = rows
        if rows is None or self.symbol is None:
            return self.module.call(self.module.table(names, step=step), self.given, self._keep)
        table = self.module.table(names, frozenset((self.symbol,)), step)
        return self.module.call(table, {**self.given, **self._cut(table, rows)}, self._keep)

    def _keep(self, values: dict[str, torch.Tensor]) -> None:
        self.next = values

    def update(self) -> None:
        """Give buffers the values that the step computed; of one with the batch's axis, at the batch's positions."""
        for name, value in self.next.items():
            kept = attribute(self.module, name)
            axes = self._axes(self.module.program.tensors[name])
            if self.rows is None or not axes:
                kept.copy_(value)
                continue
            places = [torch.arange(n, device=kept.device) for n in kept.shape]
            for axis in axes:
                places[axis] = self.rows
            kept[torch.meshgrid(*places, indexing="ij")] = value.to(kept.dtype)

    def _axes(self, tensor: Tensor) -> list[int]:
        return [at for at, size in enumerate(tensor.shape) if size.symbol == self.symbol]

    def _cut(self, table: Table, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """The batch's rows of every tensor that has them."""
        cut = {}
        for tensor in table.function.program.of_kind("input", "data", "relation", "param", "buffer"):
            axes = self._axes(tensor)
            if axes:
                value = self._whole(tensor)
                for axis in axes:
                    value = value.index_select(axis, rows)
                cut[tensor.name] = value
        return cut

    def _whole(self, tensor: Tensor) -> torch.Tensor:
        found = self.given.get(tensor.name)
        if found is None:
            found = self.module.state.defaults.get(tensor.name)
        return attribute(self.module, tensor.name) if found is None else found


def minimize(
    module: Module, given: dict[str, Any], action: MinimizeAction, options: Options, reporter: Reporter
) -> list[float]:
    """Train, in training mode; the losses of the epochs (without minibatches: of the steps)."""
    before = module.training
    module.train()
    try:
        curve = _train(module, given, action, options, reporter)
    finally:
        module.train(before)
    _tell(curve, action, reporter)
    return list(curve.losses)


def _train(
    module: Module, given: dict[str, Any], action: MinimizeAction, options: Options, reporter: Reporter
) -> Curve:
    table = module.table((action.loss,), step=True)
    state = module.state
    tensors = all_converted(state, table.function, given)
    sizes = numbers(settle(module, state, table.function, {**tensors, **module.told()}))
    symbol, batch = action.batch or (None, None)
    batched = Batched(module, tensors, symbol)
    _check_memory(module, action, {**sizes, symbol: batch} if symbol is not None and batch else sizes)
    schedule = dict(action.schedule)
    if options.epochs is not None:
        schedule = {name: value for name, value in schedule.items() if name != "steps"} | {"epochs": options.epochs}
    program, updates = table.function.program, table.function.updates
    job = Training(
        parameters=_parameters(module, action, program.of_kind("param")),
        loss=lambda rows: batched.evaluate((action.loss,), rows, step=True)[action.loss],
        name=action.loss,
        rows=None if symbol is None else sizes[symbol],
        batch=batch,
        method=action.method,
        options=action.options,
        schedule=schedule,
        seed=options.seed,
        after_step=batched.update if updates else None,
        blame=lambda: blame(program, lambda names: batched.evaluate(names, batched.rows)),
        buffers={update.buffer: attribute(module, update.buffer) for update in updates},
        generators={"program": state.stream()} if table.function.random else {},
        checkpoint=_keeper(options),
        resume=_snapshot(options, action),
        span=action.span,
    )
    with in_words(table.function.plan):
        return train(job, None if options.quiet else reporter)


def _check_memory(module: Module, action: MinimizeAction, sizes: Mapping[Symbol, int]) -> None:
    """Training at these sizes stays within the limit on memory."""
    unbound = frozenset() if action.batch is None else frozenset((action.batch[0],))
    function = module.table((action.loss,), unbound, step=True).function
    if function.plain is not None:
        options = module.state.compiled.options
        check_training(function.plan, function.plain, sizes, module.state.floating, options, action.span)


def _tell(curve: Curve, action: MinimizeAction, reporter: Reporter) -> None:
    if curve.interrupted:
        reporter.note(f"training of {action.loss} was interrupted after {curve.steps} steps; the parameters are kept")


def _parameters(module: Module, action: MinimizeAction, read: Iterable[Tensor]) -> dict[str, torch.nn.Parameter]:
    """The parameters to train: those named, or all that the loss reads."""
    names = action.over or tuple(tensor.name for tensor in read)
    found = {}
    for name in names:
        kept = attribute(module, name)
        if isinstance(kept, torch.nn.Parameter) and kept.requires_grad:
            found[name] = kept
    if not found:
        message = f"`{action.loss}` depends on no parameter, so there is nothing to learn"
        raise run_error("E0805", message, action.span, help=("declare what is to be learned with `param`",))
    return found


# --- checkpoints -------------------------------------------------------------------------------------------------


def _keeper(options: Options) -> Any:
    """What writes a snapshot to the file that the caller named, or None."""
    if options.checkpoint is None:
        return None
    access, name = chosen(options.checkpoint, options.limits)

    def keep(snapshot: Snapshot) -> None:
        write_tensors(access, name, snapshot.tensors, snapshot.stamp, None)

    return keep


def _snapshot(options: Options, action: MinimizeAction) -> Snapshot | None:
    if options.resume is None:
        return None
    access, name = chosen(options.resume, options.limits)
    tensors, stamp = read_tensors(access, name, action.span)
    return Snapshot(tensors, stamp)
