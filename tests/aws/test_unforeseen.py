"""Whatever is raised while a call is made is a fault of that call: none passes every net, none passes for "ok"."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import pytest
from aiobotocore.credentials import AioEnvProvider
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession

from cqworker.aws.clients import AwsClients
from cqworker.aws.dynamodb.batched_store import BatchedStore
from cqworker.aws.dynamodb.job_store import DynamoStore
from cqworker.aws.http.pooled_transport import PooledTransport
from cqworker.aws.s3.artifact_store import S3Artifacts
from cqworker.aws.sqs.message_queue import SqsQueue
from cqworker.clock import SystemClock
from cqworker.errors import CqworkerError, Unavailable
from cqworker.events import ServiceCalled, ignore
from cqworker.health.monitored_ports import MonitoredArtifacts, MonitoredQueue, MonitoredStore
from cqworker.health.service_health import ARTIFACTS, STORE, ServiceHealth, queue_service
from cqworker.model.writes import Change
from cqworker.ports import KeyItem, Letter
from tests.aws.stub import answers, ok, serving
from tests.contract.test_store_races import claim_of, submitted

SpeakTo = Callable[..., None]


class OddError(Exception):
    """Of no family that anybody knows."""


class UnspeakableError(Exception):
    """One that cannot even be told."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


ERRORS: list[Callable[[], Exception]] = [
    lambda: RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired."),
    lambda: ValueError("a header of a request must not hold a line break or a NUL"),
    lambda: EOFError("EOF when reading a line"),
    lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    lambda: KeyError("Expiration"),
    RecursionError,
    OddError,
    UnspeakableError,
]
NAMES = ["runtime", "value", "eof", "unicode", "key", "recursion", "odd", "unspeakable"]


def raising(make: Callable[[], Exception]) -> Callable[..., NoReturn]:
    def fail(*_: object, **__: object) -> NoReturn:
        raise make()

    return fail


def break_credentials(patch: pytest.MonkeyPatch, fail: Callable[..., NoReturn]) -> None:
    patch.setattr(AioEnvProvider, "load", fail)


def break_session(patch: pytest.MonkeyPatch, fail: Callable[..., NoReturn]) -> None:
    patch.setattr(AioSession, "create_client", fail)


def break_transport(patch: pytest.MonkeyPatch, fail: Callable[..., NoReturn]) -> None:
    patch.setattr(PooledTransport, "post", fail)
    patch.setattr(AIOHTTPSession, "send", fail)


BREAKS = [break_credentials, break_session, break_transport]


class Worker:
    """The ports as the daemon has them."""

    def __init__(self, clients: AwsClients) -> None:
        clock = SystemClock()
        self.health = ServiceHealth(clock, ignore, (queue_service("jobs"), STORE, ARTIFACTS))
        for service in (queue_service("jobs"), STORE, ARTIFACTS):
            self.health.record_success(service)
        self.queue = MonitoredQueue(SqsQueue(clients, "jobs", clock), self.health)
        self.store = MonitoredStore(BatchedStore(DynamoStore(clients, "jobs", clock), clients, "jobs"), self.health)
        self.artifacts = MonitoredArtifacts(S3Artifacts(clients, "some", "thing/"), self.health)

    def calls(self) -> dict[str, Awaitable[Any]]:
        """Every method of every port."""
        claim: Change = claim_of(submitted(), "boot.1")
        return {
            "send": self.queue.send(Letter(body="{}")),
            "send_many": self.queue.send_many([Letter(body="{}")] * 2),
            "receive": self.queue.receive(1, 0, 30),
            "delete": self.queue.delete(["r"]),
            "change_visibility": self.queue.change_visibility([("r", 0)]),
            "depth": self.queue.depth(),
            "get": self.store.get("j"),
            "write": self.store.write(claim),
            "reserve_key": self.store.reserve_key(KeyItem("k", "j", "r", 1), 0),
            "check": self.store.check(),
            "put": self.artifacts.put("k", b"", "text/plain"),
            "fetch": self.artifacts.get("s3://some/thing/k", 1),
            "look": self.artifacts.check(),
        }


@pytest.mark.parametrize("make", ERRORS, ids=NAMES)
@pytest.mark.parametrize("spoil", BREAKS, ids=["credentials", "session", "transport"])
async def test_whatever_is_raised_makes_the_daemon_unready_and_reaches_nobody_as_it_is(
    clients: AwsClients,
    calls: list[ServiceCalled],
    speak_to: SpeakTo,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[], Exception],
    spoil: Callable[[pytest.MonkeyPatch, Callable[..., NoReturn]], None],
) -> None:
    async with serving(answers(ok(QueueUrl="http://127.0.0.1/jobs"))) as stub:
        speak_to(stub.url)
        spoil(monkeypatch, raising(make))
        worker = Worker(clients)
        for name, call in worker.calls().items():
            with pytest.raises(Unavailable) as caught:
                await call
            assert caught.value.cause, name
            assert caught.value.remedy, name
    troubles = worker.health.readiness()
    assert troubles
    if spoil is break_credentials:
        assert [trouble.service for trouble in troubles] == ["credentials"]
    else:
        assert {trouble.service for trouble in troubles} == {queue_service("jobs"), STORE, ARTIFACTS}
    assert calls
    assert all(call.result != "ok" for call in calls)


class Odd:
    """A port of somebody else's that raises what it likes."""

    name = "jobs"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        return raising(lambda: self._error)


@pytest.mark.parametrize("make", ERRORS, ids=NAMES)
async def test_what_a_port_raises_is_a_fault_of_its_service(make: Callable[[], Exception]) -> None:
    health = ServiceHealth(SystemClock(), ignore, ())
    port: Any = Odd(make())
    with pytest.raises(Unavailable) as caught:
        await MonitoredStore(port, health).write(claim_of(submitted(), "boot.1"))
    assert caught.value.ambiguous
    with pytest.raises(Unavailable):
        await MonitoredQueue(port, health).depth()
    assert {trouble.service for trouble in health.readiness()} == {STORE, queue_service("jobs")}


async def test_an_answer_that_a_port_gives_by_an_exception_is_no_fault() -> None:
    health = ServiceHealth(SystemClock(), ignore, ())
    port: Any = Odd(CqworkerError("There is no such thing."))
    with pytest.raises(CqworkerError, match="no such thing"):
        await MonitoredStore(port, health).get("j")
    assert health.readiness() == ()
