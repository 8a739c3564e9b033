"""A payload against its handler's model: the instance, or every fault with its pointer."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from cqworker.errors import InvalidPayload
from cqworker.plugins.payload import MAX_FAULTS, validate_payload


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid")

    amount: int
    note: str = ""


class Order(BaseModel):
    lines: list[Line] = []
    by_name: dict[str, Line] = {}
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    either: int | list[int] = 0
    order_id: UUID | None = Field(default=None, alias="order/id~x")


class Touchy(BaseModel):
    word: str

    @field_validator("word")
    @classmethod
    def looks(cls, word: str) -> str:
        if word == "bug":
            raise KeyError(word)
        if word == "long":
            raise ValueError("x" * 1000)
        return word


ORDER = TypeAdapter(Order)
TOUCHY = TypeAdapter(Touchy)


def pointers(payload: str, model: TypeAdapter[Any] = ORDER) -> list[str]:
    with pytest.raises(InvalidPayload) as refused:
        validate_payload(model, payload)
    assert all(fault.message for fault in refused.value.faults)
    return [fault.pointer for fault in refused.value.faults]


def test_a_payload_that_fits_becomes_the_models_instance() -> None:
    assert validate_payload(ORDER, '{"lines": [{"amount": 3}]}') == Order(lines=[Line(amount=3)])


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ('{"lines": [{"amount": 1}, {"amount": "x"}]}', ["/lines/1/amount"]),
        ('{"lines": [{}]}', ["/lines/0/amount"]),
        ('{"lines": [{"amount": 1, "amuont": 2}]}', ["/lines/0/amuont"]),
        ('{"lines": {}}', ["/lines"]),
        ('{"by_name": {"a/b~c": {}}}', ["/by_name/a~1b~0c/amount"]),
        ('{"by_name": {"amount": {}}}', ["/by_name/amount/amount"]),
        ('{"by_name": {"0": {"amount": []}, "": {}}}', ["/by_name/0/amount", "/by_name//amount"]),
        ('{"pet": {"kind": "cat"}}', ["/pet/lives"]),
        ('{"pet": {"kind": "cat", "lives": "x"}}', ["/pet/lives"]),
        ('{"pet": {"kind": "cow"}}', ["/pet"]),
        ('{"pet": {}}', ["/pet"]),
        ('{"either": "x"}', ["/either", "/either"]),
        ('{"either": [1, "x"]}', ["/either", "/either/1"]),
        ('{"order/id~x": "no"}', ["/order~1id~0x"]),
        ("[]", [""]),
        ("null", [""]),
    ],
)
def test_each_fault_is_pointed_at(payload: str, expected: list[str]) -> None:
    assert pointers(payload) == expected


@pytest.mark.parametrize("text", ["", "{", "nope", "{}{}", "'a'", "\ud800", '{"a": "\ud800"}', "\x00", '"\\ud800"'])
def test_text_that_is_no_json_is_refused_as_a_whole(text: str) -> None:
    assert pointers(text) == [""]


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', '{"either": NaN}'])
def test_nan_and_infinity_are_refused(text: str) -> None:
    assert pointers(text, TypeAdapter(Any)) == [""]


def test_the_words_nan_and_infinity_may_be_text() -> None:
    assert validate_payload(TypeAdapter(Any), '{"NaN": "Infinity"}') == {"NaN": "Infinity"}


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_that_is_nested_without_end_is_refused(opening: str) -> None:
    assert pointers(opening * 100_000, TypeAdapter(Any)) == [""]


def test_a_validator_that_fails_itself_is_a_fault_of_the_payload() -> None:
    with pytest.raises(InvalidPayload, match="KeyError"):
        validate_payload(TOUCHY, '{"word": "bug"}')


def test_messages_are_bounded() -> None:
    with pytest.raises(InvalidPayload) as refused:
        validate_payload(TOUCHY, '{"word": "long"}')
    assert len(refused.value.faults[0].message) == 300


def test_no_more_than_twenty_faults_are_listed() -> None:
    assert len(pointers(f'{{"lines": [{",".join(["0"] * 100)}]}}')) == MAX_FAULTS


@given(st.text() | st.from_regex(r'[\[\]{}:",0-9a-zNI\\ ]{0,40}'))
def test_any_text_is_either_valid_or_refused(text: str) -> None:
    with suppress(InvalidPayload):
        assert isinstance(validate_payload(ORDER, text), Order)
