"""What a daemon is put through by a fault, at its start and later, and what is asked of it meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.processes.daemon import Daemon, until
from tests.processes.faults import Fault, Scene


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


def survives_its_start(scene: Scene, fault: Fault, start: Callable[..., Daemon]) -> Daemon:
    """A daemon that starts into a fault, and works once that is mended."""
    fault.strike(scene)
    daemon = start(scene.place)
    assert daemon.url, "it says READY"
    is_named_and_survived(daemon, fault)
    fault.mend(scene)
    works(daemon)
    return daemon


def stays_and_goes_on(daemon: Daemon, scene: Scene, fault: Fault) -> None:
    """A daemon whom the fault befalls while it works: what it takes in meanwhile is done afterwards."""
    fault.strike(scene)
    meanwhile = daemon.post("/jobs", {"type": "text.transform", "payload": {"text": "meanwhile " * 1000}})
    is_named_and_survived(daemon, fault)
    fault.mend(scene)
    works(daemon)
    if meanwhile.status == 202:
        assert daemon.ended(meanwhile.body["job_id"])["status"] == "SUCCEEDED", "what was accepted is never lost"
    else:
        assert meanwhile.status == 503
        assert int(meanwhile.headers["retry-after"]) > 0
    assert tracebacks(daemon) == []
