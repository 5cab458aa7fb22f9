"""``minimize``: a program's loss as ``learn`` wants it, a function of the rows of a minibatch.

In: a compiled module, the inputs, the action. Out: the module's parameters trained, and the curve of the losses. A
minibatch is a choice of positions of one size: every tensor with an axis of just that size, be it data, an input or a
parameter, is cut to those positions, and the loss is computed from what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from tensorlang.binding import numbers
from tensorlang.blaming import blame
from tensorlang.calling import Table, all_converted, count_pairs, related, settle
from tensorlang.compiled import Kinds
from tensorlang.data import chosen, read_tensors, write_tensors
from tensorlang.diagnostics import run_error
from tensorlang.ir.domain import Symbol
from tensorlang.ir.program import MinimizeAction, Tensor
from tensorlang.keeping import check_training
from tensorlang.learn import Curve, Snapshot, Training, train
from tensorlang.module import Module
from tensorlang.options import Options
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

    def evaluate(self, names: tuple[str, ...], rows: torch.Tensor | None) -> dict[str, torch.Tensor]:
        self.rows = rows
        if rows is None or self.symbol is None:
            return self.module.call(self.module.table(names), self.given)
        table = self.module.table(names, frozenset((self.symbol,)))
        return self.module.call(table, {**self.given, **self._cut(table, rows)})

    def _cut(self, table: Table, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """The batch's rows of every tensor that has them."""
        cut = {}
        for tensor in table.function.program.of_kind("input", "data", "relation", "param", "buffer"):
            axes = [at for at, size in enumerate(tensor.shape) if size.symbol == self.symbol]
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
    """Train; the losses of the epochs (without minibatches: of the steps)."""
    state = module.state
    given, kinds, _ = related(state, given)
    table = module.table((action.loss,), kinds=kinds)
    tensors = all_converted(state, table.function, given)
    sizes = numbers(settle(module, state, table.function, tensors))
    count_pairs(table.function, tensors, sizes)
    symbol, batch = action.batch or (None, None)
    batched = Batched(module, tensors, symbol)
    _check_memory(module, action, {**sizes, symbol: batch} if symbol is not None and batch else sizes, kinds)
    schedule = dict(action.schedule)
    if options.epochs is not None:
        schedule = {name: value for name, value in schedule.items() if name != "steps"} | {"epochs": options.epochs}
    program = table.function.program
    job = Training(
        parameters=_parameters(module, action, program.of_kind("param")),
        loss=lambda rows: batched.evaluate((action.loss,), rows)[action.loss],
        name=action.loss,
        rows=None if symbol is None else sizes[symbol],
        batch=batch,
        method=action.method,
        options=action.options,
        schedule=schedule,
        seed=options.seed,
        after_step=(lambda: _update(batched, action)) if action.updates else None,
        blame=lambda: blame(program, lambda names: batched.evaluate(names, batched.rows)),
        buffers={name: attribute(module, name) for name, _ in action.updates},
        generators={"program": state.stream()} if table.function.random else {},
        checkpoint=_keeper(options),
        resume=_snapshot(options, action),
        span=action.span,
    )
    before = module.training
    module.train()
    try:
        with in_words(table.function.plan):
            curve = train(job, None if options.quiet else reporter)
    finally:
        module.train(before)
    _tell(curve, action, reporter)
    return list(curve.losses)


def _check_memory(module: Module, action: MinimizeAction, sizes: Mapping[Symbol, int], kinds: Kinds) -> None:
    """Training at these sizes stays within the limit on memory."""
    unbound = frozenset() if action.batch is None else frozenset((action.batch[0],))
    function = module.table((action.loss,), unbound, kinds).function
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


def _update(batched: Batched, action: MinimizeAction) -> None:
    """Give buffers their next values, all from the same step."""
    with torch.no_grad():
        values = batched.evaluate(tuple(name for _, name in action.updates), batched.rows)
        for buffer, name in action.updates:
            attribute(batched.module, buffer).copy_(values[name])


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
