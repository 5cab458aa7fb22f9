"""The methods of learning and the settings that each knows, as tables; imports no torch, so ``check`` can use it.

In: names and numbers as the program wrote them. Out: all settings with their defaults, or an error with the nearest
spelling or the range. Sources: Kingma & Ba 2015 (adam), Loshchilov & Hutter 2019 (adamw), Liu & Nocedal 1989
(lbfgs), Jordan et al. 2024 (muon).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from tensorlang.diagnostics import nearest, run_error
from tensorlang.records import dataclass
from tensorlang.source import Span


@dataclass(frozen=True, slots=True)
class Setting:
    """A number with its range: ``low`` to ``high``; ``above`` excludes ``low`` itself, ``below`` excludes ``high``."""

    name: str
    default: float
    low: float = 0.0
    high: float = math.inf
    above: bool = False
    below: bool = False
    whole: bool = False

    def allows(self, value: float) -> bool:
        if not math.isfinite(value) or (self.whole and value != int(value)):
            return False
        high_enough = value > self.low if self.above else value >= self.low
        return high_enough and (value < self.high if self.below else value <= self.high)

    @property
    def range(self) -> str:
        """The range in words: ``a whole number of at least 1``."""
        if (self.low, self.high, self.whole) == (0, 1, True):
            return "0 (no) or 1 (yes)"
        kind = "a whole number " if self.whole else ""
        low = f"{'above' if self.above else 'of at least' if kind else 'at least'} {self.low:g}"
        high = "" if self.high == math.inf else f" and {'below' if self.below else 'at most'} {self.high:g}"
        return f"{kind}{low}{high}"


def _flag(name: str, default: bool) -> Setting:
    return Setting(name, float(default), high=1, whole=True)


def _rate(default: float) -> Setting:
    return Setting("lr", default, above=True)


_BETA1 = Setting("beta1", 0.9, high=1, below=True)
_BETA2 = Setting("beta2", 0.999, high=1, below=True)
_EPS = Setting("eps", 1e-8)

METHODS: Mapping[str, tuple[Setting, ...]] = {
    "adam": (_rate(1e-3), _BETA1, _BETA2, _EPS, Setting("weight_decay", 0), _flag("amsgrad", False)),
    "adamw": (_rate(1e-3), _BETA1, _BETA2, _EPS, Setting("weight_decay", 0.01), _flag("amsgrad", False)),
    "sgd": (
        _rate(1e-2),
        Setting("momentum", 0),
        Setting("dampening", 0),
        Setting("weight_decay", 0),
        _flag("nesterov", False),
    ),
    "lbfgs": (
        _rate(1),
        Setting("max_iter", 20, low=1, whole=True),
        Setting("history_size", 100, low=1, whole=True),
        Setting("tolerance_grad", 1e-7),
        Setting("tolerance_change", 1e-9),
        _flag("line_search", True),
    ),
    "muon": (
        _rate(1e-3),
        Setting("momentum", 0.95),
        Setting("weight_decay", 0.1),
        _flag("nesterov", True),
        Setting("ns_steps", 5, low=1, high=99, whole=True),
        _BETA1,
        _BETA2,
        Setting("eps", 1e-7, above=True),
    ),
}

# How long and how fast: `steps`, where they are given, instead of `epochs`; a rise of the rate over the first `warmup`
# steps, then a cosine down to the share `decay` of it at the end; gradients scaled down to the norm `clip` (0: not).
SCHEDULE: tuple[Setting, ...] = (
    Setting("epochs", 100, whole=True),
    Setting("steps", 0, whole=True),
    Setting("warmup", 0, whole=True),
    Setting("decay", 1, high=1),
    Setting("clip", 0),
)

_ALIASES = {"learning_rate": "lr", "rate": "lr", "eta": "lr", "betas": "beta1", "history": "history_size"}


def check_learning(
    method: str, options: Mapping[str, float], schedule: Mapping[str, float], batch: int | None, span: Span | None
) -> tuple[dict[str, float], dict[str, float]]:
    """The settings of the method and of the schedule, complete; ``RunError`` where one is unknown or out of range."""
    if method not in METHODS:
        near = nearest(method, METHODS)
        hint = f"did you mean `{near}`?" if near else f"known are {', '.join(METHODS)}"
        raise run_error("E0801", f"there is no method of learning `{method}`", span, help=(hint,))
    settings = _complete(METHODS[method], options, f"`{method}`", span)
    course = _complete(SCHEDULE, schedule, "`minimize`", span)
    if method == "sgd" and settings["nesterov"] and (not settings["momentum"] or settings["dampening"]):
        message = "`nesterov` needs a `momentum` above 0 and no `dampening`"
        raise run_error("E0803", message, span, help=("write `sgd(momentum=0.9, nesterov=1)`",))
    if "steps" in schedule and "epochs" in schedule:
        message = "both `epochs` and `steps` say how long to train"
        raise run_error("E0803", message, span, help=("write one of them",))
    if batch is not None and batch < 1:
        raise run_error("E0803", f"`batch` is {batch}, and must be a whole number of at least 1", span)
    return settings, course


def _complete(
    known: tuple[Setting, ...], given: Mapping[str, float], owner: str, span: Span | None
) -> dict[str, float]:
    settings = {setting.name: setting for setting in known}
    elsewhere = {setting.name for setting in SCHEDULE} if known is not SCHEDULE else {"lr"}
    for name, value in given.items():
        if name not in settings:
            near = _ALIASES.get(name) or nearest(name, settings)
            hint = f"did you mean `{near}`?" if near in settings else f"{owner} knows {', '.join(settings)}"
            hint = "write `minimize Loss with adam(lr=1e-3), epochs=20`" if name in elsewhere else hint
            raise run_error("E0802", f"{owner} has no setting `{name}`", span, help=(hint,))
        if not settings[name].allows(value):
            finite = "" if math.isfinite(value) else "finite and "
            raise run_error("E0803", f"`{name}` is {value:g}, and must be {finite}{settings[name].range}", span)
    return {name: float(given.get(name, setting.default)) for name, setting in settings.items()}
