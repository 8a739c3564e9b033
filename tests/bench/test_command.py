"""`cqworker bench`: real jobs on a real queue, counted; and polite where it would run somebody else's."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from uuid import uuid4

import pytest

from bench.run.endpoint import Endpoint
from cqworker.cli.bench.prices import Prices
from cqworker.cli.bench.report import dollars, report_lines
from cqworker.cli.bench.results import PhaseResult, TrialResult
from tests.cli.running import invoke, plain_environment, told
from tests.contract.worlds import use_environment

RUN = PhaseResult(
    jobs=100,
    seconds=2.0,
    cpu_seconds=0.05,
    sqs_requests=20,
    calls={"ReceiveMessage": 10, "DeleteMessageBatch": 10},
    write_units={"BatchExecuteStatement": 200.0},
    read_units={},
)
FOUND = TrialResult(
    type="text.transform",
    queue="queue",
    concurrency=32,
    submitted=replace(RUN, sqs_requests=10, calls={"SendMessageBatch": 10}, write_units={"PutItem": 100.0}),
    run=RUN,
    failed=0,
    elsewhere=0,
    latency_jobs=20,
    latency_p50=3.0,
    latency_p99=9.0,
)
PRICES = Prices("here", "a day", sqs_request=0.4, dynamodb_write_unit=0.625, dynamodb_read_unit=0.125)


@pytest.fixture
def queue(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty queue of the test's own, with a table and a bucket."""
    for name in set(os.environ) - set(plain_environment()):
        monkeypatch.delenv(name)
    use_environment(monkeypatch, endpoint.environment)
    own = uuid4().hex[:12]
    name = f"queue-{own}"
    monkeypatch.setenv("CQWORKER_QUEUES", json.dumps([{"name": name, "dead_letter_queue": f"dead-{own}"}]))
    monkeypatch.setenv("CQWORKER_STORE__TABLE", f"table-{own}")
    monkeypatch.setenv("CQWORKER_ARTIFACTS__BUCKET", f"bucket-{own}")
    assert invoke("provision").exit_code == 0
    return name


def test_it_runs_its_jobs_and_tells_what_they_cost(endpoint: Endpoint, queue: str) -> None:
    found = told(invoke("bench", "--jobs", "30", "--json"))
    assert (found["queue"], found["submitted"]["jobs"], found["run"]["jobs"]) == (queue, 30, 30)
    assert (found["failed"], found["elsewhere"]) == (0, 0)
    assert sum(found["submitted"]["write_units"].values()) == 30
    assert sum(found["run"]["write_units"].values()) == 60
    assert found["dollars_per_million"] == pytest.approx(3 * 0.625, abs=0.8)
    assert endpoint.left(queue) == 0


def test_it_does_not_run_other_peoples_jobs_unasked(endpoint: Endpoint, queue: str) -> None:
    assert invoke("submit", "text.transform", '{"text": "of somebody else"}').exit_code == 0
    refused = invoke("bench", "--jobs", "5")
    assert refused.exit_code == 1
    assert "holds about 1 messages" in refused.stderr
    assert endpoint.left(queue) == 1
    assert told(invoke("bench", "--jobs", "5", "--yes", "--json"))["run"]["jobs"] == 5
    assert endpoint.left(queue) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--type", "no.such"], "There is no job type 'no.such'"),
        (["--queue", "elsewhere"], "There is no queue 'elsewhere'"),
        (["--payload", '{"txt": 1}'], "/text"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_sent(arguments: list[str], said: str) -> None:
    refused = invoke("bench", *arguments)
    assert refused.exit_code == 1
    assert said in refused.stderr


def test_the_words_say_rate_calls_latency_and_price() -> None:
    assert "\n".join(report_lines(FOUND, PRICES)) == (
        "100 jobs of text.transform on queue, at most 32 at once\n"
        "  submitted 50 jobs/s, 0.50 ms of CPU a job\n"
        "            each took 0.10 SQS requests, 1.00 write units, 0.00 read units\n"
        "            calls each: SendMessageBatch 0.10\n"
        "  run       50 jobs/s, 0.50 ms of CPU a job\n"
        "            each took 0.20 SQS requests, 2.00 write units, 0.00 read units\n"
        "            calls each: DeleteMessageBatch 0.10, ReceiveMessage 0.10\n"
        "  idle      p50 3 ms, p99 9 ms from submit to settled\n"
        "  a million 2.00 USD of SQS requests and DynamoDB units\n"
        "            (list prices for here as remembered on a day; check them)"
    )
    assert dollars(FOUND, PRICES) == pytest.approx(0.3 * 0.4 + 3 * 0.625)


def test_the_words_do_not_hide_what_went_wrong() -> None:
    text = "\n".join(report_lines(replace(FOUND, failed=2, elsewhere=3), PRICES))
    assert "2 of them did not succeed" in text
    assert "3 jobs were run by another worker" in text


def test_it_tells_of_a_queue_that_is_paused_before_it_submits_anything(queue: str) -> None:
    assert invoke("queues", "pause", queue, "--for", "30m").exit_code == 0
    refused = invoke("bench", "--jobs", "5")
    assert refused.exit_code != 0
    assert f"The queue {queue} is paused" in refused.output
    assert f"cqworker queues resume {queue}" in refused.output
