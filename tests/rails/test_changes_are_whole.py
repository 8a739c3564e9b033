"""A write has a maker in the product, cases in the contract suite, and one meaning in both stores."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any, get_args

import pytest

from cqworker import testing
from cqworker.aws.dynamodb.partiql import BATCHABLE
from cqworker.aws.dynamodb.update_expressions import update_of
from cqworker.model import attempt_writes, operator_writes, priority_writes, schedule_writes
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.model.writes import Change
from tests.contract.cases import MAKERS, Case, cases
from tests.contract.clock import SetClock
from tests.contract.edges import edges
from tests.contract.test_store_rules import OF_EACH, SEED, check
from tests.model.test_writes import fenced
from tests.rails.local_store import STORES, store_of
from tests.rails.source import is_used, makers_of

CHANGES: tuple[type[Any], ...] = get_args(Change)
WRITES = ("model/", "aws/")
"""Where writes are described, and none is made."""
WITHOUT_EDGES = {operator_writes.Enter}
"""Decided by nothing but that there is no record."""
ALONE = {
    attempt_writes.Reopen,
    operator_writes.Enter,
    operator_writes.Forestall,
    operator_writes.AskCancel,
    operator_writes.NewRound,
    operator_writes.Lose,
    schedule_writes.Reschedule,
    priority_writes.Reprioritise,
}
"""Rare, or makes what is absent, which a batch cannot; a Reopen is a Claim, too, and does both."""
FIXED = {"now", "purge_at", "worker", "lease_expires_at", "entry"}
"""Fields of writes that decide nothing, and are stored as they stand."""


@pytest.mark.parametrize("kind", CHANGES)
def test_every_write_is_made_by_somebody(kind: type[Any]) -> None:
    makers = {function for path, function in makers_of(kind.__name__) if not path.startswith(WRITES)}
    named = kind.__name__ in ("Claim", "Reopen")  # chosen by name and made in one call
    assert makers or named, f"nobody in cqworker/flow or cqworker/jobs makes a {kind.__name__}"
    uncalled = [name for name in makers if not is_used(name)]
    assert uncalled == [], f"nobody in cqworker calls {uncalled}, where a {kind.__name__} is made"


def test_every_write_has_a_maker_of_cases() -> None:
    made = {type(maker(Random(1)).change) for maker in MAKERS}
    assert made == set(CHANGES), "MAKERS in tests/contract/cases.py"


def test_every_write_has_edges_at_which_one_thing_decides() -> None:
    assert {type(case.change) for case in edges(1)} == set(CHANGES) - WITHOUT_EDGES, "tests/contract/edges.py"


def test_every_write_of_a_holder_is_tried_by_others() -> None:
    holders = {kind for kind in CHANGES if issubclass(kind, attempt_writes._Fenced)}
    assert {type(change) for change in fenced("a")} == holders, "fenced() in tests/model/test_writes.py"


@pytest.mark.parametrize("kind", [kind for kind in CHANGES if issubclass(kind, attempt_writes._Fenced)])
def test_a_write_that_gives_a_job_up_knows_itself_when_its_answer_was_lost(kind: type[Any]) -> None:
    """It is repeated until it is answered, and then refused: the token still stands, and the job is not RUNNING."""
    for case in _cases():
        if type(case.change) is kind and case.permitted:
            after = case.change.after(case.seen)
            knows_itself: Callable[[JobRecord], bool] | None = getattr(case.change, "was_applied_to", None)
            assert after.status is Status.RUNNING or (knows_itself is not None and knows_itself(after))


def test_every_write_in_the_model_is_one_that_a_store_knows() -> None:
    found = {
        kind
        for module in (attempt_writes, operator_writes, priority_writes, schedule_writes)
        for kind in vars(module).values()
        if _is_write(kind, module)
    }
    assert found == set(CHANGES), "Change in cqworker/model/writes.py"


def _is_write(kind: object, module: Any) -> bool:
    is_here = isinstance(kind, type) and kind.__module__ == module.__name__
    return is_here and hasattr(kind, "permits") and hasattr(kind, "after")


def test_every_write_is_on_the_face_of_what_tests_build_stores_with() -> None:
    assert {kind.__name__ for kind in CHANGES} <= set(testing.__all__), "cqworker/testing/__init__.py"


def test_every_write_shares_requests_or_goes_alone() -> None:
    assert {*BATCHABLE} | ALONE == set(CHANGES), "BATCHABLE in cqworker/aws/dynamodb/partiql.py, or ALONE here"
    assert not {*BATCHABLE} & ALONE


@pytest.mark.parametrize("kind", [kind for kind in BATCHABLE if kind is not attempt_writes.Claim])
def test_every_write_that_shares_requests_says_what_it_says_alone(kind: type[Any]) -> None:
    """A claim alone may make its record, too: tests/aws_http holds its two forms together."""
    for case in _cases():
        if type(case.change) is kind:
            assert BATCHABLE[kind](case.change).request() == update_of(case.change)


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("name", STORES)
async def test_every_write_does_in_both_stores_what_its_rules_say(name: str, kind: type[Any]) -> None:
    tried = [case for case in _cases() if type(case.change) is kind]
    assert {case.permitted for case in tried} == {True, False}
    store = store_of(name, SetClock())
    for case in tried:
        await check(store, case)


@pytest.mark.parametrize("kind", CHANGES)
def test_every_field_of_a_write_has_several_values_in_its_cases(kind: type[Any]) -> None:
    tried = [case.change for case in _cases() if type(case.change) is kind]
    fixed = {name for name in kind.__struct_fields__ if len({repr(getattr(change, name)) for change in tried}) < 2}
    assert fixed <= FIXED, f"cases of {kind.__name__} in tests/contract/cases.py"


@cache
def _cases() -> tuple[Case, ...]:
    return tuple(cases(SEED, OF_EACH))
