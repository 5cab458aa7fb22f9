"""torch's optimisers behind our names and settings, and one step with them.

In: a method, its settings, parameters. Out: a ``Stepper`` that makes a step, scales the rate, and gives or takes
its state. The fused kernels are used wherever the parameters allow them: for small models they halve the cost of a
step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.optim import LBFGS, SGD, Adam, AdamW, Muon, Optimizer

from tensorlang.records import dataclass

Settings = Mapping[str, float]

# What torch keeps for each parameter: tensors of the parameter's shape, and scalars.
_LIKE = frozenset(("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer"))
_SCALARS = frozenset(("step",))


@dataclass(frozen=True, slots=True)
class Stepper:
    """One optimiser, or two that share the parameters between them. ``rate`` is the one before any schedule."""

    optimisers: tuple[Optimizer, ...]
    rate: float

    @property
    def searches(self) -> bool:
        """Whether a step evaluates the loss several times on its own."""
        return isinstance(self.optimisers[0], LBFGS)

    def step(self) -> None:
        for optimiser in self.optimisers:
            optimiser.step()

    def search(self, closure: Callable[[], Tensor]) -> None:
        """A step of a method that evaluates the loss (and the gradients) as often as it likes."""
        # LBFGS asks for a float, and works with what it gets.
        self.optimisers[0].step(closure)  # type: ignore[arg-type]

    def scale(self, factor: float) -> None:
        """Set the learning rate to a share of what the program wrote."""
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.rate * factor

    def state(self) -> list[dict[int, dict[str, Any]]]:
        return [optimiser.state_dict()["state"] for optimiser in self.optimisers]

    def restore(self, states: Sequence[Mapping[int, Mapping[str, Any]]]) -> None:
        """Take over a state; ``ValueError`` if it is not one of this method and these parameters."""
        if len(states) != len(self.optimisers):
            raise ValueError("another number of optimisers")
        for optimiser, state in zip(self.optimisers, states, strict=True):
            _check_state(state, optimiser)
        for optimiser, state in zip(self.optimisers, states, strict=True):
            groups = optimiser.state_dict()["param_groups"]
            kept = {at: _within(entries, groups[0].get("history_size")) for at, entries in state.items()}
            optimiser.load_state_dict({"state": kept, "param_groups": groups})


def stepper(method: str, settings: Settings, parameters: Sequence[Tensor]) -> Stepper:
    """The optimiser of a method; ``settings`` are complete (see ``check_learning``)."""
    return Stepper(tuple(_BUILD[method](settings, list(parameters))), settings["lr"])


def _fused(parameters: Sequence[Tensor]) -> bool:
    return all(p.is_floating_point() and p.device.type in ("cpu", "cuda", "mps") for p in parameters)


def _adam(settings: Settings, parameters: list[Tensor]) -> list[Optimizer]:
    return [_adam_of(Adam, settings, parameters)]


def _adamw(settings: Settings, parameters: list[Tensor]) -> list[Optimizer]:
    return [_adam_of(AdamW, settings, parameters)]


def _adam_of(kind: type[Adam], settings: Settings, parameters: list[Tensor]) -> Optimizer:
    return kind(
        parameters,
        lr=settings["lr"],
        betas=(settings["beta1"], settings["beta2"]),
        eps=settings["eps"],
        weight_decay=settings["weight_decay"],
        amsgrad=bool(settings.get("amsgrad")),
        fused=_fused(parameters) or None,
    )


def _sgd(settings: Settings, parameters: list[Tensor]) -> list[Optimizer]:
    optimiser = SGD(
        parameters,
        lr=settings["lr"],
        momentum=settings["momentum"],
        dampening=settings["dampening"],
        weight_decay=settings["weight_decay"],
        nesterov=bool(settings["nesterov"]),
        fused=_fused(parameters) or None,
    )
    return [optimiser]


def _lbfgs(settings: Settings, parameters: list[Tensor]) -> list[Optimizer]:
    optimiser = LBFGS(
        parameters,
        lr=settings["lr"],
        max_iter=int(settings["max_iter"]),
        tolerance_grad=settings["tolerance_grad"],
        tolerance_change=settings["tolerance_change"],
        history_size=int(settings["history_size"]),
        line_search_fn="strong_wolfe" if settings["line_search"] else None,
    )
    return [optimiser]


def _muon(settings: Settings, parameters: list[Tensor]) -> list[Optimizer]:
    """Muon orthogonalises the steps of matrices; what is no matrix learns by adamw at the same rate."""
    matrices = [p for p in parameters if p.ndim == 2 and p.is_floating_point()]
    others = [p for p in parameters if not (p.ndim == 2 and p.is_floating_point())]
    built: list[Optimizer] = []
    if matrices:
        built.append(
            Muon(
                matrices,
                lr=settings["lr"],
                weight_decay=settings["weight_decay"],
                momentum=settings["momentum"],
                nesterov=bool(settings["nesterov"]),
                eps=settings["eps"],
                ns_steps=int(settings["ns_steps"]),
                adjust_lr_fn="match_rms_adamw",
            )
        )
    return built + ([_adam_of(AdamW, settings, others)] if others else [])


_BUILD: Mapping[str, Callable[[Settings, list[Tensor]], list[Optimizer]]] = {
    "adam": _adam,
    "adamw": _adamw,
    "sgd": _sgd,
    "lbfgs": _lbfgs,
    "muon": _muon,
}


def _check_state(state: Mapping[int, Mapping[str, Any]], optimiser: Optimizer) -> None:
    """Refuse a state that the optimiser would stumble over later."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    if not isinstance(state, Mapping):
        raise ValueError("no state")
    for position, entries in state.items():
        if type(position) is not int or not 0 <= position < len(parameters) or not isinstance(entries, Mapping):
            raise ValueError("a state of no parameter")
        if isinstance(optimiser, LBFGS):
            _check_search(entries, sum(p.numel() * (2 if p.is_complex() else 1) for p in parameters))
        else:
            _check_entries(entries, parameters[position], optimiser)


def _check_entries(entries: Mapping[str, Any], parameter: Tensor, optimiser: Optimizer) -> None:
    if not _kept(optimiser) <= set(entries):
        raise ValueError("a state of another method")
    for name, entry in entries.items():
        like = name in _LIKE and isinstance(entry, Tensor) and entry.shape == parameter.shape
        scalar = name in _SCALARS and isinstance(entry, Tensor) and entry.shape == ()
        if not (like or scalar or (name == "momentum_buffer" and entry is None)):
            raise ValueError("a state of another method")


def _kept(optimiser: Optimizer) -> set[str]:
    """What a state must hold for each parameter that has one."""
    if isinstance(optimiser, Adam):
        largest = {"max_exp_avg_sq"} if optimiser.param_groups[0]["amsgrad"] else set()
        return {"step", "exp_avg", "exp_avg_sq"} | largest
    return {"momentum_buffer"} if isinstance(optimiser, Muon) else set()


def _vector(entry: object, size: int) -> bool:
    return isinstance(entry, Tensor) and entry.shape == (size,) and entry.is_floating_point()


def _number(entry: object) -> bool:
    """A number, as LBFGS keeps them: bare, or as a tensor without axes."""
    return isinstance(entry, int | float) or (isinstance(entry, Tensor) and entry.shape == ())


def _within(entries: Mapping[str, Any], history: int | None) -> dict[str, Any]:
    """The state of a parameter; that of LBFGS loses its scratch list, and what a shorter history has no room for."""
    if history is None:
        return dict(entries)
    lists = {name: entries[name][-history:] for name in ("old_dirs", "old_stps", "ro") if name in entries}
    return {name: entry for name, entry in entries.items() if name != "al"} | lists


def _check_search(entries: Mapping[str, Any], size: int) -> None:
    """The state of LBFGS: vectors as long as all parameters together, lists of them, and numbers."""
    counts = {"func_evals", "n_iter"}
    begun = {"d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss"}
    if not (counts <= set(entries) <= counts | begun | {"al"} and all(type(entries[name]) is int for name in counts)):
        raise ValueError("a state of another method")
    if set(entries) - {"al"} == counts:
        return
    lists = [entries.get(name) for name in ("old_dirs", "old_stps", "ro", "al")]
    directions, steps, inner, scales = (part if isinstance(part, list) else [] for part in lists)
    right = (
        begun <= set(entries)
        and len(directions) == len(steps) == len(inner)
        and all(_vector(v, size) for v in (entries["d"], entries["prev_flat_grad"], *directions, *steps))
        and all(_number(n) for n in (entries["t"], entries["prev_loss"], entries["H_diag"]))
        and all(isinstance(n, Tensor) and _number(n) for n in inner)
        and all(n is None or _number(n) for n in scales)
    )
    if not right:
        raise ValueError("a state of other parameters")
