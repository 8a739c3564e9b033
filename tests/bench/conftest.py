"""A fresh service for every test, and one real endpoint for those that need a network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.run.endpoint import Endpoint, endpoint_running
from tests.bench.calling import Caller


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.fixture(scope="session")
def endpoint() -> Iterator[Endpoint]:
    with endpoint_running() as running:
        yield running
