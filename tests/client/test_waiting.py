"""Waiting for a job's end, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from cqworker.client.client_errors import DaemonRefused, DaemonUnreachable, NotAdmitted
from cqworker.client.job_types import View
from cqworker.client.transport import Transport
from cqworker.client.wait_for_end import GRACE, SILENCE_TIMEOUT, wait_until_final
from cqworker.errors import CqworkerError, Unavailable
from cqworker.model.status import Status
from cqworker.testing import run_virtually

GONE = DaemonUnreachable("No daemon answers.", ambiguous=True)


class Daemon:
    """A transport whose wait lasts as long as `holds` says, and answers or raises as `says` does at that time."""

    def __init__(self, says: Callable[[float], str | CqworkerError], holds: float = 20.0) -> None:
        self._says = says
        self._holds = holds
        self.asked: list[float] = []

    async def wait(self, job_id: str, seconds: float) -> View:
        loop = asyncio.get_running_loop()
        self.asked.append(loop.time())
        await asyncio.sleep(min(seconds, self._holds))
        said = self._says(loop.time())
        if isinstance(said, CqworkerError):
            raise said
        return {"job_id": job_id, "status": said}


def waited(daemon: Any, seconds: float | None) -> tuple[float, View]:
    """When the wait was over, and with what."""

    async def wait() -> tuple[float, View]:
        view = await wait_until_final(daemon, "x", seconds)
        return asyncio.get_running_loop().time(), view

    return run_virtually(wait)


def test_a_long_wait_is_many_requests() -> None:
    daemon = Daemon(lambda now: "SUCCEEDED" if now > 90 else "RUNNING")
    ended, view = waited(daemon, None)
    assert (len(daemon.asked), view["status"]) == (5, "SUCCEEDED")
    assert ended == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize("status", [status for status in Status if status.is_final])
def test_a_wait_ends_with_whatever_status_is_final(status: Status) -> None:
    ended, view = waited(Daemon(lambda _: status.value, holds=1), 60)
    assert ended == pytest.approx(1, abs=0.1)
    assert view["status"] == status.value


def test_a_status_that_only_a_newer_daemon_knows_is_not_waited_for_in_vain() -> None:
    with pytest.raises(DaemonRefused, match=r"^Job x is DREAMING, which this version of the client does not know"):
        waited(Daemon(lambda _: "DREAMING"), None)


def test_a_wait_ends_when_its_time_is_up() -> None:
    ended, view = waited(Daemon(lambda _: "RUNNING"), 33)
    assert ended == pytest.approx(33, abs=0.1)
    assert view["status"] == "RUNNING"


def test_a_daemon_that_answers_at_once_is_not_asked_in_a_rush() -> None:
    daemon = Daemon(lambda now: "SUCCEEDED" if now > 9.5 else "RUNNING", holds=0.0)
    waited(daemon, None)
    assert len(daemon.asked) == 11


@pytest.mark.parametrize("error", [GONE, Unavailable("dynamodb", "It throttles.", "")])
def test_a_daemon_that_is_replaced_meanwhile_costs_the_wait_nothing(error: CqworkerError) -> None:
    daemon = Daemon(lambda now: error if 10 < now < 35 else "RUNNING" if now < 50 else "SUCCEEDED", holds=5)
    assert waited(daemon, None)[1]["status"] == "SUCCEEDED"


def test_a_daemon_that_stays_away_ends_the_wait() -> None:
    daemon = Daemon(lambda now: GONE if now > 10 else "RUNNING", holds=0.0)
    with pytest.raises(DaemonUnreachable):
        waited(daemon, None)
    assert 10 + SILENCE_TIMEOUT - 1 <= daemon.asked[-1] <= 10 + SILENCE_TIMEOUT + 2


def test_a_wait_that_ends_while_the_daemon_is_away_says_so() -> None:
    daemon = Daemon(lambda _: GONE, holds=0.0)
    with pytest.raises(DaemonUnreachable):
        waited(daemon, 5)
    assert daemon.asked[-1] == pytest.approx(5, abs=0.1)


def test_who_is_not_admitted_does_not_wait() -> None:
    daemon = Daemon(lambda _: NotAdmitted("A token is needed."), holds=0.0)
    with pytest.raises(NotAdmitted):
        waited(daemon, None)
    assert len(daemon.asked) == 1


def test_a_daemon_that_keeps_silent_prolongs_no_wait() -> None:
    class Silent:
        async def wait(self, job_id: str, seconds: float) -> View:
            await asyncio.sleep(3600)
            return {"job_id": job_id, "status": "RUNNING"}

    async def story() -> float:
        with pytest.raises(DaemonUnreachable, match=r"within the 3 s of waiting, nor 5 s later") as caught:
            await wait_until_final(cast(Transport, Silent()), "x", 3)
        assert (caught.value.reason, caught.value.ambiguous) == ("timeout", False)
        return asyncio.get_running_loop().time()

    assert run_virtually(story) == pytest.approx(3 + GRACE, abs=0.1)
