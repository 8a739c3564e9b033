"""A fresh service for every test, and one real endpoint for those that need a network."""

from __future__ import annotations

import pytest

from bench.run.endpoint import Endpoint
from tests.bench.calling import Caller


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.fixture(scope="session")
def endpoint(bench: Endpoint) -> Endpoint:
    return bench
