"""The policies on docs/permissions.md are those of what the daemons really call, no more and no less."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cqworker.aws import operations
from cqworker.aws.dynamodb.items import item_of
from cqworker.aws.operations import Operation
from cqworker.model.record import JobRecord, shard_of
from cqworker.model.status import Status
from tests.processes.conftest import Start
from tests.processes.daemon import RUN, Daemon, until
from tests.processes.site import Site

PAGE = Path(__file__).parents[2].joinpath("docs", "permissions.md").read_text(encoding="utf-8")
CONFIGURATION = Path(__file__).parents[2].joinpath("config", "cqworker.toml").read_text(encoding="utf-8")
ACTIONS = {each.name: each.action for each in vars(operations).values() if isinstance(each, Operation)}
NEVER_CALLED = {"s3:ListBucket"}
"""S3 says that an object is absent only to who may list."""
NOT_HERE = {"worker": {"dynamodb:PartiQLUpdate"}, "api": {"dynamodb:PartiQLUpdate"}}
"""Batches, which the embedded AWS does not understand."""
SWEEP = {"dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:PutItem", "sqs:SendMessage"}
"""What the sweep of due jobs does, which the two share: who has a job's shard reads it and sends its message."""
AT_THE_END = {"dynamodb:DeleteItem"}
"""What a daemon does last: it lets go of what it sweeps."""


def policy_of(role: str) -> dict[str, set[str]]:
    """The resources that each action is allowed on."""
    text = re.search(rf"## The {role} role\n.*?```json\n(.*?)```", PAGE, re.DOTALL)
    assert text is not None
    allowed: dict[str, set[str]] = {}
    for statement in json.loads(text[1])["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in _listed(statement["Action"]):
            allowed.setdefault(action, set()).update(_listed(statement["Resource"]))
    return allowed


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def called_by(daemon: Daemon) -> set[str]:
    """The actions of the AWS calls that the daemon says it made."""
    families = text_string_to_metric_families(daemon.get("/metrics").body.decode())
    samples = [sample for family in families for sample in family.samples if sample.name == "cqworker_aws_calls_total"]
    return {ACTIONS[sample.labels["operation"]] for sample in samples}


def queues_seen_by(daemon: Daemon) -> set[str]:
    """The queues whose depth the daemon tells."""
    text = daemon.get("/metrics").body.decode()
    return set(re.findall(r'cqworker_queue_messages\{queue="([^"]+)"', text))


def put_due(site: Site, moment: float) -> str:
    """A job that waits in the index of due jobs until then (epoch seconds); its id."""
    job_id, now = uuid4().hex, int(time.time() * 1000)
    record = JobRecord(
        job_id=job_id,
        type="proof.nap",
        queue=site.queues[0],
        tenant="default",
        status=Status.SCHEDULED,
        max_attempts=1,
        created_at=now,
        purge_at=now // 1000 + 2_592_000,
        payload='{"seconds": 0}',
        scheduled_at=int(moment * 1000),
        due=shard_of(job_id),
    )
    site.dynamodb.put_item(TableName=site.table, Item=item_of(record))
    return job_id


@pytest.fixture(scope="module")
def called(site: Site, start: Start) -> dict[str, set[str]]:
    """What each role calls while jobs of every kind come, run, fail, are cancelled and run again.

    On a table of their own: on a shared one another test's daemon may hold every sweep lease.
    """
    place = site.changed(
        queues=["permissions"], queue={"wait_time": 1, "visibility_timeout": 3}, table="permissions-jobs"
    )
    place.provision()
    api, worker = start(place, *RUN, "--role", "api"), start(place, *RUN, "--role", "worker")
    later = put_due(place, time.time() + 600)
    big = api.submit("text.transform", {"text": "large " * 2000})
    assert api.ended(big)["status"] == "SUCCEEDED"
    refused = api.submit("proof.refuse", {"seconds": 1})
    assert api.ended(refused)["status"] == "FAILED"
    assert api.post(f"/jobs/{refused}/retry").status == 202
    assert api.ended(refused)["status"] == "FAILED"
    operation = api.post("/operations", {"act": "retry", "filter": {"type": "proof.refuse"}})
    assert operation.status == 202, operation.body
    until(lambda: api.get(operation.headers["location"]).body["state"] == "finished", 60)
    assert api.ended(refused)["round"] == 3
    napping = api.submit("proof.nap", {"seconds": 50})
    until(lambda: api.job(napping)["status"] == "RUNNING")
    assert api.post(f"/jobs/{napping}/cancel").status in (200, 202)
    assert api.ended(napping)["status"] == "CANCELLED"
    upload = api.post_bytes("/artifacts", b"something", "text/plain")
    assert upload.status == 201
    assert api.get(upload.headers["location"]).status == 200
    api.post("/jobs", {"type": "proof.nap", "payload": {"seconds": 0}}, Idempotency_Key="once")
    until(lambda: queues_seen_by(worker) == {"permissions", "permissions-dead"})
    assert queues_seen_by(api) == {"permissions"}, "its policy allows nothing on a dead-letter queue"
    assert api.get("/readyz").status == 200
    until(lambda: api.job(later)["status"] == "QUEUED", 90)
    return {"api": called_by(api), "worker": called_by(worker)}


@pytest.mark.parametrize("role", ["worker", "api"])
def test_a_role_calls_what_its_policy_allows_and_all_of_it(role: str, called: dict[str, set[str]]) -> None:
    assert called[role].isdisjoint(NOT_HERE[role])
    assert called[role] | NOT_HERE[role] | NEVER_CALLED | SWEEP | AT_THE_END == set(policy_of(role))


def test_the_sweep_of_due_jobs_calls_what_both_policies_allow_for_it(called: dict[str, set[str]]) -> None:
    assert called["api"] | called["worker"] >= SWEEP


def test_the_policies_together_allow_every_operation_that_the_daemon_knows() -> None:
    assert set(ACTIONS.values()) | NEVER_CALLED == set(policy_of("worker")) | set(policy_of("api"))


def test_only_the_worker_may_read_the_sources() -> None:
    example = re.search(r'such as \["s3://(.*?)/"\]', CONFIGURATION)
    assert example is not None
    bucket = f"arn:aws:s3:::{example[1].partition('/')[0]}"
    granted = {action: {place for place in places if bucket in place} for action, places in policy_of("worker").items()}
    assert granted.pop("s3:GetObject") == {f"arn:aws:s3:::{example[1]}/*"}
    assert granted.pop("s3:ListBucket") == {bucket}
    assert not any(granted.values())
    assert not any(bucket in place for places in policy_of("api").values() for place in places)


@pytest.mark.parametrize("role", ["worker", "api"])
def test_no_policy_is_about_everything(role: str) -> None:
    for action, resources in policy_of(role).items():
        assert "*" not in action
        assert all(resource.startswith("arn:aws:") and not resource.endswith(":*") for resource in resources)
        assert not re.search("Create|DeleteQueue|DeleteTable|Purge|Scan|SetQueue", action)
