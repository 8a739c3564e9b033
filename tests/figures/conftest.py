"""A place on the real engines, and daemons that work there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.running import Engines
from tests.processes.conftest import Start, starting
from tests.processes.site import Site

QUEUES = ("story", "saturated", "idle")


@pytest.fixture(scope="session")
def site(engines: Engines) -> Site:
    """A provisioned place whose receives wait as long as they do by default."""
    place = Site(aws=engines.environment(), queues=QUEUES, table="figures-jobs", bucket="figures-artifacts", queue={})
    place.provision()
    return place


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    with starting(tmp_path_factory.mktemp("daemons")) as begin:
        yield begin
