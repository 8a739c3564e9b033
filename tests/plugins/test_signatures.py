"""What is read from a handler's signature."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from cqworker import Job, handler
from cqworker.plugins.loaded_handlers import Handler
from cqworker.plugins.registry import registry_of

if TYPE_CHECKING:
    from elsewhere import Job as JobForCheckers  # type: ignore[import-not-found]
    from elsewhere import Model as ModelForCheckers


class Order(BaseModel):
    number: int


@dataclass
class Point:
    x: float


class Table(TypedDict):
    name: str


class Odd:
    """No type that JSON could fill."""


def read(function: Any) -> Handler:
    registry = registry_of(it=handler(function))
    assert not registry.broken, registry.broken
    return registry.handlers["it"]


def fault(function: Any) -> tuple[str, str]:
    [broken] = registry_of(it=handler(function)).broken
    return broken.cause, broken.remedy


def takes_order(payload: Order) -> None: ...
def takes_point(payload: Point) -> None: ...
def takes_table(payload: Table) -> None: ...
def takes_anything(payload: Any) -> None: ...
def takes_a_bounded_list(payload: Annotated[list[int], Field(max_length=3)]) -> None: ...


@pytest.mark.parametrize(
    ("function", "payload", "expected"),
    [
        (takes_order, '{"number": 3}', Order(number=3)),
        (takes_point, '{"x": 1.5}', Point(1.5)),
        (takes_table, '{"name": "a"}', {"name": "a"}),
        (takes_anything, "[null]", [None]),
        (takes_a_bounded_list, "[1, 2]", [1, 2]),
    ],
)
def test_the_payload_may_be_any_type_that_pydantic_knows(function: Any, payload: str, expected: object) -> None:
    assert read(function).validate(payload) == expected


def without_job(payload: int) -> None: ...
def with_job(payload: int, job: Job) -> None: ...
def with_bare_job(payload: int, job) -> None: ...  # type: ignore[no-untyped-def]
def with_job_for_checkers(payload: int, job: JobForCheckers) -> None: ...
def with_optional_job(payload: int, job: Job | None = None) -> None: ...
def with_an_option(payload: int, scale: int = 2) -> None: ...
def with_options(payload: int, job: Job, scale: int = 2, **rest: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "takes_job"),
    [
        (without_job, False),
        (with_job, True),
        (with_bare_job, True),
        (with_job_for_checkers, True),
        (with_optional_job, True),
        (with_an_option, False),
        (with_options, True),
    ],
)
def test_the_job_is_given_to_those_that_ask_for_it(function: Any, takes_job: bool) -> None:
    assert read(function).takes_job is takes_job


def nothing() -> None: ...
def bare(payload) -> None: ...  # type: ignore[no-untyped-def]
def three(payload: int, job: Job, more: int) -> None: ...
def job_first(job: Job, payload: int) -> None: ...
def two_payloads(payload: int, second: dict[str, int]) -> None: ...
def keyword_only(*, payload: int) -> None: ...
def keyword_job(payload: int, *, job: Job) -> None: ...
def model_for_checkers(payload: ModelForCheckers) -> None: ...
def no_model(payload: Odd) -> None: ...


@pytest.mark.parametrize(
    ("function", "cause"),
    [
        (nothing, "nothing takes no payload"),
        (bare, "payload, has no annotation"),
        (three, "takes more besides the payload and the job"),
        (job_first, "takes the job first"),
        (two_payloads, "takes second, which is no Job"),
        (keyword_only, "by position"),
        (keyword_job, "by position"),
        (model_for_checkers, "ModelForCheckers"),
        (no_model, "Odd"),
    ],
)
def test_a_wrong_signature_is_explained_with_its_remedy(function: Any, cause: str) -> None:
    told, remedy = fault(function)
    assert cause in told
    assert remedy.endswith(".")


class Receipt(BaseModel):
    total: Decimal


def to_receipt(payload: Order) -> Receipt:
    """Prints a receipt.

    And more.
    """
    return Receipt(total=Decimal(payload.number))


def to_something(payload: int) -> Odd: ...  # type: ignore[empty-body]


def test_the_schemas_and_the_description_come_from_the_function() -> None:
    found = read(to_receipt)
    assert found.description == "Prints a receipt."
    assert found.payload_schema["properties"] == {"number": {"title": "Number", "type": "integer"}}
    assert found.result_schema["properties"]["total"]["type"] == "string"


def test_a_result_without_a_model_has_an_empty_schema() -> None:
    assert read(to_something).result_schema == {}
    assert read(takes_anything).result_schema == {"type": "null"}


LATE = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from elsewhere import Job, Model, Outcome
def for_checkers(payload: dict[str, int], job: Job) -> Outcome: ...
def without_model(payload: list[Model]) -> int: ...
"""


@pytest.mark.skipif(sys.version_info < (3, 14), reason="before PEP 649 such a function cannot even be defined")
def test_names_for_type_checkers_need_no_quotes_and_no_import_from_the_future_where_annotations_are_late() -> None:
    names: dict[str, Any] = {}
    exec(compile(LATE, "late", "exec", dont_inherit=True), names)
    late = read(names["for_checkers"])
    assert late.takes_job
    cause, remedy = fault(names["without_model"])
    assert cause == (
        "without_model: the annotation of payload cannot be resolved (NameError: name 'Model' is not defined)."
    )
    assert "outside TYPE_CHECKING" in remedy
