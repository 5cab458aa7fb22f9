"""``dataclass``, as the standard library has it, made in a fifth of the time.

The package defines some three hundred small classes, and whoever asks for a check waits for those on its way.
The standard decorator writes and compiles the text of up to six methods of each; of these only ``__init__`` needs text
of its own. Here the others are closures over the names of the fields. ``fields``, ``replace`` and ``asdict`` of the
standard library work as ever, and type checkers are told that it is the standard decorator.
"""

from __future__ import annotations

from dataclasses import field, fields, replace
from typing import TYPE_CHECKING

__all__ = ["dataclass", "field", "fields", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    import dataclasses
    from operator import attrgetter

    def dataclass(cls=None, /, *, frozen=False, eq=True, **options):
        """The standard decorator for the classes of this package; other options go through to it."""
        if cls is None:
            return lambda found: dataclass(found, frozen=frozen, eq=eq, **options)
        cls.__doc__ = cls.__doc__ or cls.__name__  # else the standard decorator works out a signature for it
        own = vars(cls)
        written = {name for name in ("__init__", "__repr__", "__eq__", "__hash__") if own.get(name) is not None}
        made = dataclasses.dataclass(cls, init=False, repr=False, eq=False, **options)
        parts = fields(made)
        methods = {"__init__": _initialiser(made, parts, frozen), "__repr__": _shown(parts)}
        if eq:
            compared = [part.name for part in parts if part.compare]
            methods |= _comparing(compared) if frozen else {"__eq__": _comparing(compared)["__eq__"], "__hash__": None}
        if frozen:
            methods |= _FROZEN
        for name, method in methods.items():
            if name not in written:
                setattr(made, name, method)
        return made

    def _initialiser(cls, parts, frozen):
        """``__init__`` by its text: called often, and checked by Python itself for what is missing or too much."""
        space = {"_put": object.__setattr__}
        first = [part for part in parts if not part.kw_only]
        taken, body = [], []
        for group, star in ((first, False), ([part for part in parts if part.kw_only], True)):
            taken += ["*"] if star and group else []
            for part in group:
                name, given = part.name, part.name
                if part.default is not dataclasses.MISSING:
                    space[f"_of_{name}"] = part.default
                    taken += [f"{name}=_of_{name}"] if part.init else []
                elif part.default_factory is not dataclasses.MISSING:
                    space[f"_of_{name}"] = part.default_factory
                    taken += [f"{name}=_put"] if part.init else []
                    given = f"_of_{name}() if {name} is _put else {name}" if part.init else f"_of_{name}()"
                elif part.init:
                    taken.append(name)
                else:
                    continue
                body.append(f"_put(self, {name!r}, {given})" if frozen else f"self.{name} = {given}")
        body += ["self.__post_init__()"] if hasattr(cls, "__post_init__") else []
        exec(f"def __init__({', '.join(['self', *taken])}):\n " + ("\n ".join(body) or "pass"), space)
        return space["__init__"]

    def _comparing(names):
        """``__eq__`` and ``__hash__``, by the fields that count."""
        values = attrgetter(*names) if names else type

        def __eq__(self, other):
            return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

        def __hash__(self):
            return hash(values(self))

        return {"__eq__": __eq__, "__hash__": __hash__}

    def _shown(parts):
        names = [part.name for part in parts if part.repr]

        def __repr__(self):
            return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

        return __repr__

    def _refuse(self, name, value=None):
        raise dataclasses.FrozenInstanceError(f"{type(self).__name__}.{name} cannot be changed")

    def _state(self):
        return [getattr(self, part.name) for part in fields(self)]

    def _restore(self, state):
        for part, value in zip(fields(self), state, strict=True):
            object.__setattr__(self, part.name, value)

    _FROZEN = {"__setattr__": _refuse, "__delattr__": _refuse, "__getstate__": _state, "__setstate__": _restore}
