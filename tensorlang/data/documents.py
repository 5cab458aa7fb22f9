"""``.json``: a number, or lists of numbers inside lists, or an object of named ones.

In: an open file. Out: a ``Content``. Lists must be equally long at each depth; where they are not, the error gives
the path to the first that is not (``[3][0]``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tensorlang.data.content import Content, Opened, check_held, plain, short
from tensorlang.data.files import check_size
from tensorlang.diagnostics import RunError

if TYPE_CHECKING:
    from tensorlang.data.content import Array

# A parsed list takes about this many bytes of memory for each byte of text.
_GROWTH = 16
_TYPES: dict[type, str] = {bool: "bool", int: "int", float: "float"}


def inspect_json(opened: Opened) -> Content:
    check_size(opened.path, opened.size * _GROWTH, opened.limits, opened.span, "would take while it is read")
    value = _parse(opened)
    if isinstance(value, dict):
        value = value[opened.choose(value)]
    else:
        opened.no_key()
    shape = _shape(opened, value)
    kinds: set[type] = set()
    _check_level(opened, value, shape, "", kinds)
    dtype = _element_type(opened, kinds)
    check_held(opened, shape, dtype)

    def array(start: int, stop: int) -> Array:
        import numpy

        target = {"bool": numpy.bool_, "int": numpy.int64, "float": numpy.float64}[dtype]
        try:
            found: Array = numpy.array(value, dtype=target).reshape(shape)
        except OverflowError:
            message = f"`{opened.path}` holds whole numbers beyond 64 bits"
            raise opened.fault("E0717", message, "write them as floats: `1e30`") from None
        return plain(opened, found[start:stop] if shape else found)

    return Content(shape, dtype, array)


def _parse(opened: Opened) -> object:
    opened.handle.seek(0)
    try:
        text = opened.handle.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise opened.fault("E0721", f"`{opened.path}` is not UTF-8 text", "save it again as UTF-8") from None
    if not text.strip():
        raise opened.fault("E0720", f"`{opened.path}` holds no numbers", "the file is empty")
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as problem:
        raise opened.damaged(f"line {problem.lineno}, column {problem.colno}: {problem.msg.lower()}") from None
    except _TwiceError:
        raise opened.damaged("an object has one name twice") from None
    except RecursionError:
        raise opened.damaged("it holds lists inside lists without end") from None
    except ValueError:
        raise opened.damaged("it holds a number of thousands of digits") from None


class _TwiceError(Exception):
    """An object has one name twice; the parser would silently keep the last."""


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError
    return found


def _shape(opened: Opened, value: object) -> tuple[int, ...]:
    """The shape that the first element of each list suggests."""
    sizes = []
    while isinstance(value, list):
        sizes.append(len(value))
        if not value:
            break
        value = value[0]
    if len(sizes) > 64:
        raise opened.damaged(f"it holds lists inside lists, {len(sizes)} deep")
    return tuple(sizes)


def _check_level(opened: Opened, value: object, shape: tuple[int, ...], path: str, kinds: set[type]) -> None:
    """Compare every list with the shape, and collect the kinds of the elements."""
    if not shape:
        if type(value) not in _TYPES:
            raise _not_a_number(opened, value, path)
        kinds.add(type(value))
        return
    if not isinstance(value, list):
        raise _ragged(opened, path, "a number", shape[0])
    if len(value) != shape[0]:
        raise _ragged(opened, path, f"a list of {len(value)}", shape[0])
    if len(shape) == 1 and set(map(type, value)) <= _TYPES.keys():
        kinds.update(map(type, value))
        return
    for at, part in enumerate(value):
        _check_level(opened, part, shape[1:], f"{path}[{at}]", kinds)


def _ragged(opened: Opened, path: str, found: str, expected: int) -> RunError:
    place = f"`{path}`" if path else "the outermost list"
    message = f"{place} in `{opened.path}` is {found}, where its neighbours are lists of {expected}"
    return opened.fault("E0719", message, "make all lists of one depth equally long")


def _not_a_number(opened: Opened, value: object, path: str) -> RunError:
    place = f"`{path}`" if path else "the whole"
    if isinstance(value, list):
        return _ragged(opened, path, "a list", 0) if not path else opened.fault(
            "E0719", f"{place} in `{opened.path}` is a list, where its neighbours are numbers",
            "make all lists of one depth equally long",
        )  # fmt: skip
    found = "an object" if isinstance(value, dict) else "null" if value is None else f'"{short(str(value))}"'
    hint = "write NaN for a missing value" if value is None else "only numbers, true and false become elements"
    return opened.fault("E0718", f"{place} in `{opened.path}` is not a number: {found}", hint)


def _element_type(opened: Opened, kinds: set[type]) -> str:
    if bool in kinds and len(kinds) > 1:
        raise opened.fault("E0718", f"`{opened.path}` mixes truth values and numbers", "write 1 and 0 throughout")
    return "float" if float in kinds or not kinds else _TYPES[kinds.pop()]
