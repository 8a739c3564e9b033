"""A secret that a handler's error quotes reaches neither the record nor anybody who is told of the ending."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cqworker import Reject, Retry, handler
from cqworker.errors import InvalidPayload, PayloadFault
from cqworker.execution.invoke import outcome_of
from cqworker.execution.outcome import Outcome, Raised
from cqworker.model.record import Failure
from cqworker.model.redaction import REDACTED
from tests.flow.quoting import fail_in_a_process, fail_in_a_thread
from tests.flow.world import REAL, World, story
from tests.model.leaks import CANARY, SECRETS

ERRORS = [RuntimeError, Retry, Reject]


async def failure_in(world: World, job_id: str) -> Failure:
    """How the job failed; nothing that is known of it holds the secret."""
    record = await world.until(job_id, patience=10)
    assert record.failure is not None
    assert CANARY not in f"{record!r} {world.seen(object)!r}"
    return record.failure


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("secret", SECRETS[::4])
@story
async def test_a_secret_that_an_error_quotes_is_not_told(error: type[Exception], secret: str) -> None:
    @handler(max_attempts=1)
    async def fail(payload: dict[str, Any]) -> None:
        raise error(f"no answer to {secret}") from ConnectionError(secret)

    world = World({"fail": fail})
    world.start()
    failure = await failure_in(world, await world.submit("fail"))
    assert failure.message.startswith("no answer to ")
    assert REDACTED in failure.message
    assert (failure.traceback is not None) is (error is RuntimeError)
    await world.stop()


@pytest.mark.parametrize("quoting", [fail_in_a_thread, fail_in_a_process])
async def test_a_secret_that_an_error_on_other_ground_quotes_is_not_told(quoting: Any) -> None:
    world = World({"fail": quoting}, real=REAL)
    host = world.start()
    text = f"no answer to {SECRETS[2]}, {'x' * 9000} {SECRETS[2]}"
    for error in ERRORS:
        failure = await failure_in(world, await world.submit("fail", json.dumps([error.__name__, text])))
        assert REDACTED in failure.message
    await host.drain(2)


@pytest.mark.parametrize("error", ERRORS)
def test_of_a_secret_that_is_longer_than_what_is_told_not_even_a_part_is(error: type[Exception]) -> None:
    for secret in (f"Bearer {CANARY * 5000}", f"https://b/k?X-Amz-Signature={CANARY * 5000}"):
        assert CANARY not in repr(_raised(error(secret)))


def test_of_an_error_without_secrets_all_that_fits_is_told() -> None:
    outcome = _raised(RuntimeError("x" * 700))
    assert isinstance(outcome, Raised)
    assert outcome.message == f"{'x' * 499}…"
    assert outcome.traceback is not None
    assert outcome.traceback.endswith(f"{'x' * 700}\n")
    assert len(outcome.traceback) == 1200 or outcome.traceback.startswith("Traceback")


def test_a_secret_in_what_a_validator_says_is_not_told() -> None:
    faults = (PayloadFault("/a", f"Bearer {CANARY} is wrong"),)
    assert CANARY not in repr(outcome_of(InvalidPayload(faults)))


def _raised(error: Exception) -> Outcome | object:
    try:
        raise error
    except type(error) as caught:
        return outcome_of(caught)
