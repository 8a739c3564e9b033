"""An operation of AWS is one that its service has, somebody calls it, and the page of permissions allows it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache

import botocore.session
import pytest

from cqworker.aws import operations
from cqworker.aws.operations import Operation
from tests.rails.pages import text_of
from tests.rails.source import modules, names_in

OPERATIONS = {name: value for name, value in vars(operations).items() if isinstance(value, Operation)}
NEVER_CALLED = {"s3:ListBucket"}
"""Allowed for what S3 answers to those who have it; the page says so."""
READS = ("Get", "BatchGet", "List", "Describe", "Head", "Query", "Scan")


@cache
def operations_of(service: str) -> frozenset[str]:
    """The operations of a service, as the AWS SDK knows them."""
    return frozenset(botocore.session.get_session().get_service_model(service).operation_names)


def allowed() -> Iterator[str]:
    """Every action in the policies of the page."""
    for policy in re.findall(r"(?ms)^```json\n(.*?)^```", text_of("permissions.md")):
        for statement in json.loads(policy)["Statement"]:
            actions = statement["Action"]
            yield from [actions] if isinstance(actions, str) else actions


def test_the_page_of_permissions_allows_what_is_called_and_nothing_else() -> None:
    called = {operation.action for operation in OPERATIONS.values()}
    assert {*allowed()} - NEVER_CALLED == called, "docs/permissions.md"


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_called_by_somebody(name: str) -> None:
    callers = [path for path in modules() if path != "aws/operations.py" and name in names_in(path)]
    assert callers, f"nobody in cqworker calls {OPERATIONS[name].name}"


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_is_one_of_its_services(operation: Operation) -> None:
    assert operation.name in operations_of(operation.service)
    assert operation.action.startswith(f"{operation.service}:")


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_what_is_no_reading_may_have_had_an_effect_when_its_answer_is_lost(operation: Operation) -> None:
    assert operation.writes is not operation.name.startswith(READS)
