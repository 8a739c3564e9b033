"""A service that is away, a missing table or queue, wrong credentials: named and survived, at the start and later."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.processes.conftest import Start
from tests.processes.daemon import Daemon, until
from tests.processes.doors import Door, doors
from tests.processes.faults import FAULTS, Fault, Scene, open_scene
from tests.processes.plugin import Journal
from tests.processes.site import Site

pytestmark = pytest.mark.timeout(120)  # five daemons start at once, on however busy a machine
AT_START = ("SQS is away", "DynamoDB is away", "wrong credentials", "no table", "no queue")
EVERY_FAULT = pytest.mark.parametrize("name", FAULTS)


@pytest.fixture(scope="module")
def make_door() -> Iterator[Callable[[str], Door]]:
    with doors() as make:
        yield make


def trouble(daemon: Daemon, fault: Fault) -> dict[str, Any] | None:
    """What /readyz says of the fault."""
    answer = daemon.get("/readyz")
    for told in answer.body["troubles"]:
        if answer.status == 503 and told["service"].startswith(fault.service) and fault.cause in told["cause"]:
            return dict(told)
    return None


def is_named_and_survived(daemon: Daemon, fault: Fault) -> None:
    until(lambda: trouble(daemon, fault))
    told = trouble(daemon, fault)
    assert told is not None
    assert fault.remedy in told["remedy"]
    assert daemon.get("/healthz").status == 200, "AWS's state is no reason to kill a worker"


def tracebacks(daemon: Daemon) -> list[str]:
    """Lines of the log with a traceback, but for aiohttp's own of a connection that was closed as it was taken."""
    return [line for line in daemon.log.splitlines() if "Traceback" in line and "to closing transport" not in line]


def works(daemon: Daemon) -> None:
    until(lambda: daemon.get("/readyz").status == 200)
    job_id = daemon.submit("text.transform", {"text": "back again"})
    assert daemon.ended(job_id)["result"]["uppercase"] == "BACK AGAIN"


def survives_its_start(scene: Scene, fault: Fault, start: Start) -> Daemon:
    """A daemon that starts into a fault, and works once that is mended."""
    fault.strike(scene)
    daemon = start(scene.place)
    assert daemon.url, "it says READY"
    is_named_and_survived(daemon, fault)
    fault.mend(scene)
    works(daemon)
    return daemon


@pytest.fixture(scope="module")
def starts(site: Site, make_door: Callable[[str], Door], start: Start) -> Mapping[str, Future[Daemon]]:
    """A daemon for each fault; two at a time, for a start keeps a core busy."""
    places = {
        "SQS is away": site.changed(queues=["away-1"]),
        "DynamoDB is away": site.changed(queues=["away-2"]),
        "wrong credentials": site.changed(queues=["away-3"]),
        "no table": site.changed(queues=["away-4"], table="absent-jobs"),
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


@EVERY_FAULT
def test_a_running_daemon_stays_whatever_goes_away_and_goes_on_when_it_is_back(
    name: str, scene: Scene, running: Daemon
) -> None:
    FAULTS[name].strike(scene)
    meanwhile = running.post("/jobs", {"type": "text.transform", "payload": {"text": "meanwhile " * 1000}})
    is_named_and_survived(running, FAULTS[name])
    FAULTS[name].mend(scene)
    works(running)
    if meanwhile.status == 202:
        assert running.ended(meanwhile.body["job_id"])["status"] == "SUCCEEDED", "what was accepted is never lost"
    else:
        assert meanwhile.status == 503
        assert int(meanwhile.headers["retry-after"]) > 0
    assert tracebacks(running) == []


def test_a_job_that_runs_through_an_outage_ends_in_its_first_attempt(
    scene: Scene, running: Daemon, journal: Journal
) -> None:
    job_id = running.submit("proof.nap", {"seconds": 1})
    until(lambda: job_id in journal.noted("start"))
    outage = [FAULTS["SQS is away"], FAULTS["DynamoDB is away"]]
    for fault in outage:
        fault.strike(scene)
    until(lambda: job_id in journal.noted("end"))
    is_named_and_survived(running, FAULTS["DynamoDB is away"])
    for fault in outage:
        fault.mend(scene)
    job = running.ended(job_id)
    assert (job["status"], job["attempt"], journal.noted("start").count(job_id)) == ("SUCCEEDED", 1, 1)


def test_a_record_of_a_newer_version_makes_nobody_unready(scene: Scene, running: Daemon) -> None:
    job_id = running.submit("text.transform", {"text": "read by others"}, delay_seconds=2)
    novel = json.dumps({"kind": "novel", "message": "of a later version"})
    scene.place.dynamodb.update_item(
        TableName=scene.place.table,
        Key={"pk": {"S": f"job#{job_id}"}, "sk": {"S": "job"}},
        UpdateExpression="SET failure = :novel",
        ExpressionAttributeValues={":novel": {"S": novel}},
    )
    answer = running.get(f"/jobs/{job_id}")
    assert (answer.status, "Upgrade this worker" in answer.body["detail"]) == (503, True)
    assert running.get("/readyz").status == 200
    until(lambda: running.metric("cqworker_items_unusable_total") >= 2)
    assert running.get("/readyz").status == 200
    works(running)
