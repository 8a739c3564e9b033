"""The running engines as one fixture for the whole test session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.running import Engines, engines_running


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """Where DynamoDB Local, ElasticMQ and versitygw listen; only for tests marked `engines`."""
    with engines_running() as running:
        yield running
