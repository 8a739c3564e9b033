"""Clients that speak to a stub, try again without waiting, and remember their events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from botocore.retries.standard import ExponentialBackoff

from cqworker.aws.clients import AwsClients
from cqworker.aws.http import retry_policy
from cqworker.events import Event, ServiceCalled
from tests.aws.homes import Home
from tests.contract.worlds import use_environment

KEYS = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "canary-secret", "AWS_REGION": "eu-central-1"}


@pytest.fixture(autouse=True)
def no_waiting_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)
    monkeypatch.setattr(retry_policy, "FIRST_PAUSES", dict.fromkeys(retry_policy.FIRST_PAUSES, 0.0))


@pytest.fixture(params=[False, True], ids=["sdk", "lean"])
def lean(request: pytest.FixtureRequest) -> bool:
    """Whether the hot operations go past the SDK: what a call promises is the same on both paths."""
    return bool(request.param)


@pytest.fixture
def calls() -> list[ServiceCalled]:
    """What the clients told of their calls."""
    return []


@pytest.fixture
async def clients(calls: list[ServiceCalled], lean: bool) -> AsyncIterator[AwsClients]:
    def remember(event: Event) -> None:
        assert isinstance(event, ServiceCalled)
        calls.append(event)

    async with AwsClients(remember, lean=lean) as made:
        yield made


@pytest.fixture
def speak_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Turns the SDK to this endpoint, with variables changed by keyword."""

    def turn(url: str, **changed: str) -> None:
        use_environment(monkeypatch, {**KEYS, "AWS_ENDPOINT_URL": url, **changed})

    return turn


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    return Home(tmp_path, monkeypatch)
