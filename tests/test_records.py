"""The package's ``dataclass`` does what that of the standard library does."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tensorlang import records

MAKERS = [dataclasses.dataclass, records.dataclass]


def point(make: Callable[..., Any], **options: Any) -> Any:
    @make(**options)
    class Point:
        x: int
        y: tuple[int, ...] = (1,)
        note: str = dataclasses.field(default="", compare=False, repr=False)
        found: list[int] = dataclasses.field(default_factory=list, compare=False)

    return Point


@pytest.mark.parametrize("options", [{"frozen": True, "slots": True}, {"slots": True}, {"frozen": True}], ids=str)
def test_values_are_made_compared_shown_and_copied_alike(options: dict[str, bool]) -> None:
    shown = []
    for make in MAKERS:
        Point = point(make, **options)
        one, two = Point(1), Point(x=1, y=(1,), note="b")
        assert one == two
        assert one != Point(2)
        assert one != (1, (1,))
        assert dataclasses.replace(one, x=3) == Point(3)
        assert one.found is not two.found
        assert copy.deepcopy(one) == one
        assert Point.__match_args__ == ("x", "y", "note", "found")
        shown.append(repr(one).split(".")[-1])
    assert shown[0] == shown[1]


def test_a_frozen_one_is_hashed_by_what_counts_and_cannot_be_changed() -> None:
    for make in MAKERS:
        Point = point(make, frozen=True, slots=True)
        assert len({Point(1), Point(1, note="other"), Point(2)}) == 2
        with pytest.raises(dataclasses.FrozenInstanceError):
            Point(1).x = 2
        with pytest.raises(dataclasses.FrozenInstanceError):
            del Point(1).x


def test_one_that_can_change_has_no_hash_and_one_without_equality_its_own() -> None:
    for make in MAKERS:
        with pytest.raises(TypeError):
            hash(point(make, slots=True)(1))
        Same = point(make, slots=True, eq=False)
        assert Same(1) != Same(1)
        assert len({Same(1), Same(1)}) == 2


def test_arguments_that_are_missing_or_too_many_are_told_by_python() -> None:
    for make in MAKERS:
        Point = point(make, frozen=True, slots=True)
        for wrong in ((), (1, 2, 3, 4, 5)):
            with pytest.raises(TypeError):
                Point(*wrong)
        with pytest.raises(TypeError):
            Point(1, z=2)


def test_fields_come_from_bases_and_by_keyword_only() -> None:
    for make in MAKERS:

        @make(frozen=True, slots=True, kw_only=True)
        class Base:
            span: int

        @make(frozen=True, slots=True)
        class Name(Base):
            name: str

            def __repr__(self) -> str:
                return self.name

        assert Name("a", span=1) == Name("a", span=1) != Name("a", span=2)
        assert repr(Name("a", span=1)) == "a"
        with pytest.raises(TypeError):
            Name("a", 1)
