"""One embedded AWS for all daemons here, a desk that takes jobs for any of its queues, and daemons that surely end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from cqworker.embedded import EmbeddedAws
from tests.processes.daemon import RUN, Daemon
from tests.processes.doors import Door, doors
from tests.processes.plugin import Journal, install_plugin
from tests.processes.site import Site

QUEUES = (
    *("short", "hurry", "hangup", "blocked", "stuck", "cling", "hostile", "foreign", "strange"),
    *("permissions", "secrets", "misbehaviour", "killers", "descriptors", "full", "keyless"),
    *("hung", "exact", "commanded"),
    *("away", "away-1", "away-2", "away-3"),
)
WORKER = ("run", "--port", "0", "--role", "worker")
Start = Callable[..., Daemon]


@pytest.fixture(scope="session")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    return Journal(tmp_path_factory.mktemp("journal") / "journal")


@pytest.fixture(scope="session")
def site(moto: EmbeddedAws, journal: Journal, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A provisioned place with a queue for every story."""
    place = Site(
        aws=moto.environment,
        queues=QUEUES,
        table="proof-jobs",
        bucket="proof-artifacts",
        plugins=(install_plugin(tmp_path_factory.mktemp("plugin")),),
        extra={"PROOF_JOURNAL": str(journal.path)},
    )
    place.provision()
    return place


@contextmanager
def starting(folder: Path) -> Iterator[Start]:
    """Starts daemons in places; whatever becomes of the tests, they are gone at the end."""
    with ExitStack() as stack:

        def begin(place: Site, *arguments: str) -> Daemon:
            daemon = Daemon(place.environment(), folder, arguments or RUN)
            stack.callback(daemon.close)
            return daemon

        yield begin


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    with starting(tmp_path_factory.mktemp("daemons")) as begin:
        yield begin


@pytest.fixture(scope="module")
def make_door() -> Iterator[Callable[[str], Door]]:
    with doors() as make:
        yield make


@pytest.fixture(scope="session")
def desk(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Takes jobs in and shows them, and runs none."""
    with starting(tmp_path_factory.mktemp("desk")) as begin:
        yield begin(site, *RUN, "--role", "api")
