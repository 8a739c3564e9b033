"""A handler's result as JSON text, or a sentence that says why it is none."""

from __future__ import annotations

import enum
import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, RootModel

from cqworker.plugins.result import MAX_DEPTH, encode_result

ID = UUID("018f0000-0000-7000-8000-000000000000")


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Word(str):
    __slots__ = ()


@dataclass
class Point:
    x: float
    when: datetime | None = None


class Inner(BaseModel):
    price: Decimal = Decimal("1.10")
    point: Point = Point(2)


class Outer(BaseModel):
    inner: Inner = Inner()
    renamed: int = Field(default=1, serialization_alias="other")
    at: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Numbers(RootModel[list[float]]):
    pass


OUTER = {"inner": {"price": "1.10", "point": {"x": 2.0, "when": None}}, "other": 1, "at": "2026-01-02T03:04:05Z"}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (2**64 - 1, 2**64 - 1),
        (-(2**63), -(2**63)),
        (1.5, 1.5),
        ("ä\u2028\x00", "ä\u2028\x00"),
        ((1, [2, ()]), [1, [2, []]]),
        (OrderedDict(a={"b": 1}), {"a": {"b": 1}}),
        (
            {1: "a", ID: "b", date(2026, 1, 2): "c", Colour.RED: "d"},
            {"1": "a", str(ID): "b", "2026-01-02": "c", "red": "d"},
        ),
        ([ID, date(2026, 1, 2), time(3, 4)], [str(ID), "2026-01-02", "03:04:00"]),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        ([Colour.RED, Level.HIGH, Word("w")], ["red", 3, "w"]),
        (Point(1.5), {"x": 1.5, "when": None}),
        (Outer(), OUTER),
        ({"list": [Outer(), Point(0)]}, {"list": [OUTER, {"x": 0.0, "when": None}]}),
        (Numbers([1.0]), [1.0]),
    ],
)
def test_data_models_and_dataclasses_are_encoded(result: object, expected: object) -> None:
    assert json.loads(encode_result(result)) == expected


def circular() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


@pytest.mark.parametrize(
    ("result", "place"),
    [
        (float("nan"), ""),
        ({"a": [0, float("inf")]}, "/a/1"),
        (Point(float("-inf")), "/x"),
        (Numbers([float("nan")]), "/0"),
        ({"a": "\ud800"}, "/a"),
        ({"\udfff": 1}, ""),
        ([2**64], "/0"),
        ({1: "a", "1": "b"}, ""),
        (circular(), "/0/0"),
        (Inner.model_construct(price={1, 2}), ""),  # type: ignore[arg-type]
    ],
)
def test_what_json_cannot_carry_is_a_value_error_that_says_where(result: object, place: str) -> None:
    with pytest.raises(ValueError, match=f"^The result is not JSON(?: at )?{place}"):
        encode_result(result)


async def coroutine() -> None: ...


@pytest.mark.parametrize(
    ("result", "place"),
    [
        ({1, 2}, ""),
        ({"a": b"bytes"}, "/a"),
        ([object()], "/0"),
        ({"a": Path("x")}, "/a"),
        (Decimal(1), ""),
        (1 + 2j, ""),
        (Point, ""),
        (coroutine, ""),
        ({None: 1}, ""),
        ({1.5: 1}, ""),
        ({True: 1}, ""),
        ({("a", "b"): 1}, ""),
    ],
)
def test_what_json_does_not_have_is_a_type_error_that_says_where(result: object, place: str) -> None:
    with pytest.raises(TypeError, match=f"^The result is not JSON(?: at )?{place}"):
        encode_result(result)


def test_nesting_is_bounded() -> None:
    def nested(depth: int) -> object:
        return [nested(depth - 1)] if depth else 0

    assert encode_result(nested(MAX_DEPTH)) == "[" * MAX_DEPTH + "0" + "]" * MAX_DEPTH
    with pytest.raises(ValueError, match="100 levels"):
        encode_result(nested(MAX_DEPTH + 1))


@pytest.mark.parametrize("result", [{"k" * 1000: {1}}, [type("N" * 1000, (), {})()], {"\x1b\n": {1}}])
def test_the_sentence_is_one_short_line(result: object) -> None:
    with pytest.raises(TypeError) as refused:
        encode_result(result)
    assert len(str(refused.value)) <= 300
    assert str(refused.value).isprintable()


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(st.characters())
trees = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(trees)
def test_whatever_is_encoded_reads_back_the_same(result: object) -> None:
    try:
        text = encode_result(result)
    except ValueError:
        assert "NaN" in json.dumps(result) or "Infinity" in json.dumps(result) or "\\ud" in json.dumps(result)
    else:
        assert json.loads(text) == result
