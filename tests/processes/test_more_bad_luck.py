"""What else may be missing at the start and later, such as a table, a queue or a right: named and survived as well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.processes.conftest import Start
from tests.processes.daemon import Daemon
from tests.processes.doors import Door
from tests.processes.faults import FAULTS, Scene, open_scene
from tests.processes.misfortune import stays_and_goes_on, survives_its_start, works
from tests.processes.site import Site

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(120),  # many a daemon starts at once, on however busy a machine
]
AT_START = ("DynamoDB is away", "wrong credentials", "no table", "no queue")
LATER = tuple(name for name in FAULTS if name not in ("DynamoDB is away", "wrong credentials"))


@pytest.fixture(scope="module")
def starts(site: Site, make_door: Callable[[str], Door], start: Start) -> Mapping[str, Future[Daemon]]:
    """A daemon for each fault; two at a time, for a start keeps a core busy."""
    places = {
        "DynamoDB is away": site.changed(queues=["away-1"]),
        "wrong credentials": site.changed(queues=["away-2"]),
        "no table": site.changed(queues=["away-3"], table="absent-jobs"),
        "no queue": site.changed(queues=["absent"]),
    }
    with ThreadPoolExecutor(2) as side_by_side:
        return {
            name: side_by_side.submit(survives_its_start, open_scene(places[name], make_door), FAULTS[name], start)
            for name in AT_START
        }


@pytest.mark.parametrize("name", AT_START)
def test_a_daemon_starts_whatever_is_away_and_works_when_it_is_back(
    name: str, starts: Mapping[str, Future[Daemon]]
) -> None:
    daemon = starts[name].result()
    assert "Traceback" not in daemon.log


@pytest.fixture(scope="module")
def scene(site: Site, make_door: Callable[[str], Door]) -> Scene:
    place = site.changed(queues=["changeable"], table="changeable-jobs", bucket="changeable-artifacts")
    place.provision()
    return open_scene(place, make_door)


@pytest.fixture(scope="module")
def running(scene: Scene, start: Start) -> Daemon:
    """One daemon that has worked, and that all faults befall one after the other."""
    daemon = start(scene.place)
    works(daemon)
    return daemon


@pytest.mark.parametrize("name", LATER)
def test_a_running_daemon_stays_whatever_goes_away_and_goes_on_when_it_is_back(
    name: str, scene: Scene, running: Daemon
) -> None:
    stays_and_goes_on(running, scene, FAULTS[name])
