"""A service that is away, at the start and later, and credentials that are refused: named and survived."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.processes.conftest import Start
from tests.processes.daemon import Daemon, until
from tests.processes.doors import Door
from tests.processes.faults import FAULTS, Scene, open_scene
from tests.processes.misfortune import is_named_and_survived, stays_and_goes_on, survives_its_start, works
from tests.processes.plugin import Journal
from tests.processes.site import Site


@pytest.fixture(scope="module")
def scene(site: Site, make_door: Callable[[str], Door]) -> Scene:
    return open_scene(site.changed(queues=["away"]), make_door)


@pytest.fixture(scope="module")
def running(scene: Scene, start: Start) -> Daemon:
    """One daemon that has started into a fault, has worked, and that the others befall one after the other."""
    return survives_its_start(scene, FAULTS["SQS is away"], start)


def test_a_daemon_starts_although_a_service_is_away_and_works_when_it_is_back(running: Daemon) -> None:
    assert "Traceback" not in running.log


@pytest.mark.parametrize("name", ["DynamoDB is away", "wrong credentials"])
def test_a_running_daemon_stays_whatever_goes_away_and_goes_on_when_it_is_back(
    name: str, scene: Scene, running: Daemon
) -> None:
    stays_and_goes_on(running, scene, FAULTS[name])


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
    until(lambda: running.get("/readyz").status == 200)


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
