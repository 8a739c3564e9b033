"""What a worker costs that has nothing to do."""

from __future__ import annotations

import time

import pytest

from tests.conftest import Tell
from tests.processes.conftest import Start
from tests.processes.daemon import Daemon, until
from tests.processes.site import Site

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]

SETTLED = 8.0
MINUTE = 60.0
"""Seconds: a minute that begins 8 s after the start has three receives' ends in it, wherever they lie."""


@pytest.fixture(scope="module")
def daemon(site: Site, start: Start) -> Daemon:
    running = start(site.changed(queues=["idle"]))
    until(lambda: running.get("/readyz").status == 200)
    return running


def used(daemon: Daemon) -> tuple[float, float]:
    """SQS calls and CPU seconds so far."""
    return daemon.metric("cqworker_aws_calls_total", service="sqs"), daemon.metric("process_cpu_seconds_total")


def test_an_idle_minute_costs_five_sqs_calls_and_a_hundredth_of_a_core(daemon: Daemon, tell: Tell) -> None:
    time.sleep(SETTLED)
    calls, cpu = used(daemon)
    began = time.monotonic()
    time.sleep(MINUTE)
    calls_after, cpu_after = used(daemon)
    minute = time.monotonic() - began
    share = (cpu_after - cpu) / minute
    tell(f"idle for {minute:.1f} s: {calls_after - calls:.0f} SQS calls, {share:.2%} of a core")
    assert 0 < calls_after - calls <= 5
    assert share < 0.01
