"""A message that is none of ours stops nobody, and stays for its owner."""

from __future__ import annotations

import pytest

from tests.processes.conftest import WORKER, Start
from tests.processes.daemon import Daemon, until
from tests.processes.site import Site

pytestmark = pytest.mark.processes
MORE_THAN_ONE_RECEIVE = 23


def test_a_message_that_is_no_envelope_is_counted_and_ends_in_the_dead_letter_queue(
    site: Site, desk: Daemon, start: Start
) -> None:
    place = site.changed(queues=["foreign"], queue={"wait_time": 1, "visibility_timeout": 3, "max_receive_count": 1})
    place.provision()
    place.sqs.send_message(QueueUrl=place.url_of("foreign"), MessageBody="hello")
    worker = start(place, *WORKER)
    until(lambda: worker.metric("cqworker_foreign_messages_total", queue="foreign") == 1)
    job_id = desk.submit("proof.nap", {"seconds": 0}, queue="foreign")
    assert desk.ended(job_id)["status"] == "SUCCEEDED"
    assert worker.get("/healthz").status == 200
    until(lambda: place.depth("foreign-dead") == (1, 0))
    assert place.depth("foreign") == (0, 0)
    assert "hello" not in worker.log


def test_each_message_that_lies_in_the_dead_letter_queue_is_counted_once(site: Site, start: Start) -> None:
    place = site.changed(queues=["strange"])
    for number in range(MORE_THAN_ONE_RECEIVE):
        place.sqs.send_message(QueueUrl=place.url_of("strange-dead"), MessageBody=f"hello {number}")
    worker = start(place, *WORKER)
    until(lambda: worker.metric("cqworker_messages_received_total", queue="strange-dead") == MORE_THAN_ONE_RECEIVE)
    until(lambda: place.depth("strange-dead") == (MORE_THAN_ONE_RECEIVE, 0))
    assert worker.metric("cqworker_foreign_messages_total", queue="strange-dead") == MORE_THAN_ONE_RECEIVE
    assert worker.metric("cqworker_foreign_messages_total", queue="strange") == 0
    assert worker.log.count("hello") == 0
