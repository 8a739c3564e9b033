"""A queue, a table or a bucket is deleted and made again under a worker with jobs in hand: all that can be kept is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.processes.conftest import Start
from tests.processes.daemon import Daemon, until
from tests.processes.doors import Door, doors
from tests.processes.faults import FAULTS, Scene, open_scene
from tests.processes.misfortune import is_named_and_survived, tracebacks
from tests.processes.plugin import Journal
from tests.processes.site import Site

pytestmark = [pytest.mark.processes, pytest.mark.timeout(120)]
SECONDS = 4.0
"""How long the job in hand takes: what is deleted under it has been made again before, and it holds its lease alone."""


@pytest.fixture(scope="module")
def make_door() -> Iterator[Callable[[str], Door]]:
    with doors() as make:
        yield make


@pytest.fixture(scope="module")
def scene(site: Site, make_door: Callable[[str], Door]) -> Scene:
    place = site.changed(
        queues=["remade"],
        table="remade-jobs",
        bucket="remade-artifacts",
        queue={"wait_time": 1, "visibility_timeout": 15},
    )
    place.provision()
    return open_scene(place, make_door)


@pytest.fixture(scope="module")
def running(scene: Scene, start: Start) -> Daemon:
    daemon = start(scene.place)
    goes_on(daemon)
    return daemon


def goes_on(daemon: Daemon) -> None:
    until(lambda: daemon.get("/readyz").status == 200)
    assert daemon.ended(daemon.submit("text.transform", {"text": "on"}))["status"] == "SUCCEEDED"


def in_hand(daemon: Daemon, journal: Journal, type_: str = "proof.nap") -> str:
    """A job whose handler runs."""
    job_id = daemon.submit(type_, {"seconds": SECONDS})
    until(lambda: job_id in journal.noted("start"))
    return job_id


def remade(scene: Scene, name: str, daemon: Daemon) -> None:
    """Deletes, waits until the daemon says what is missing, and makes it again."""
    FAULTS[name].strike(scene)
    is_named_and_survived(daemon, FAULTS[name])
    FAULTS[name].mend(scene)


def test_a_job_whose_queue_is_remade_ends_in_its_first_attempt(scene: Scene, running: Daemon, journal: Journal) -> None:
    job_id = in_hand(running, journal)
    remade(scene, "no queue", running)
    job = running.ended(job_id)
    assert (job["status"], job["attempt"], journal.noted("start").count(job_id)) == ("SUCCEEDED", 1, 1)
    goes_on(running)
    assert tracebacks(running) == []


def test_a_job_whose_result_finds_no_bucket_ends_without_an_attempt_charged(
    scene: Scene, running: Daemon, journal: Journal
) -> None:
    job_id = in_hand(running, journal, "proof.swell")
    remade(scene, "no bucket", running)
    job = running.ended(job_id, 60)
    assert (job["status"], job["attempt"]) == ("SUCCEEDED", 1)
    assert running.get(f"/jobs/{job_id}/artifact").status == 200
    goes_on(running)
    assert tracebacks(running) == []


def test_a_job_whose_record_is_gone_runs_again_for_its_message_is_not(
    scene: Scene, running: Daemon, journal: Journal
) -> None:
    job_id = in_hand(running, journal)
    remade(scene, "no table", running)
    assert running.get(f"/jobs/{job_id}").status == 404
    until(lambda: running.get(f"/jobs/{job_id}").status == 200, 60)
    job = running.ended(job_id, 60)
    assert job["status"] == "SUCCEEDED"
    goes_on(running)
    assert tracebacks(running) == []


def test_every_queue_is_empty_in_the_end(scene: Scene, running: Daemon) -> None:
    until(lambda: scene.place.depth("remade") == (0, 0), 60)
    assert scene.place.depth("remade-dead") == (0, 0)
