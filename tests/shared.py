"""What tests of all folders share, for it takes seconds to start: an embedded AWS, the benchmarks' endpoint, a `dev`.

Each is started once in a process of pytest, when the first test asks for it; who uses it makes resources of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # a run of one folder imports what it uses
    from bench.run.endpoint import Endpoint
    from cqworker.embedded import EmbeddedAws
    from tests.cli.running import Dev


@pytest.fixture(scope="session")
def moto() -> Iterator[EmbeddedAws]:
    from cqworker.embedded import running_aws_sync

    with running_aws_sync() as aws:
        yield aws


@pytest.fixture(scope="session")
def bench() -> Iterator[Endpoint]:
    """The endpoint that `make bench` measures on."""
    from bench.run.endpoint import endpoint_running

    with endpoint_running() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def dev() -> Iterator[Dev]:
    """A `cqworker dev` that runs jobs."""
    from tests.cli.running import running_dev

    with running_dev() as running:
        yield running
