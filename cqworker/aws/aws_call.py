"""One AWS call: under a deadline of ours, its tries watched, its errors translated, reported to the observers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from cqworker.aws.error_translation import AwsFault, code_of, may_have_applied, translate
from cqworker.aws.operations import Operation
from cqworker.errors import CqworkerError
from cqworker.events import Emit, ServiceCalled

Request = Mapping[str, Any]
Answer = Mapping[str, Any]
Read = Callable[[Answer], Awaitable[Answer]]

NO_ANSWER: Answer = {}
INTERRUPTED = "Interrupted"
"""The result of a call until it has another: no call is a success before it was one."""
DEADLINE_SECONDS = 15.0
"""Seconds for a call with all its tries: one that hangs for its 10 s still leaves room for another."""
RECEIVE_RETRY_SECONDS = 2.0
"""Seconds after which a receive is not tried again: it would ask for its whole wait, and be cut off by its deadline
while SQS hands out messages."""


class Declined(Exception):
    """The service refused with a code that its caller expects (Operation.declines); `answer` is the whole answer."""

    def __init__(self, code: str, message: str, answer: Answer) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.answer = answer

    def as_fault(self, operation: Operation, about: str) -> AwsFault:
        """The same as an AwsFault, for a caller that cannot use it after all."""
        return translate(ClientError(dict(self.answer), operation.name), operation, about, ambiguous=False)  # type: ignore[arg-type]


class Calls(Protocol):
    """How the queue, the store and the artifacts call AWS."""

    async def call(
        self,
        operation: Operation,
        request: Request,
        about: str,
        *,
        seconds: float = DEADLINE_SECONDS,
        read: Read | None = None,
    ) -> Answer:
        """The answer; raises Declined for the operation's own codes and Unavailable for everything else.

        `about` names what the call is about (`queue "cqworker"`), `seconds` bounds it with all its tries, and `read`
        turns the answer into one that needs its connection no more.
        """
        ...


class PreparedCalls(Calls, Protocol):
    """Calls for a caller who looks something up first, with a time limit that is not the call's."""

    async def prepare(self, operation: Operation, about: str, seconds: float) -> None:
        """Waits, for most of `seconds`, until there are keys to sign such a call with; raises Unavailable."""
        ...


@dataclass(slots=True)
class _Tries:
    last_at: float
    """The monotonic time after which none begins."""
    ambiguous: bool = False


_tries: ContextVar[_Tries] = ContextVar("tries")


def watch_try(
    response: tuple[Any, Mapping[str, Any]] | None = None, caught_exception: Exception | None = None, **_: object
) -> None:
    """The SDK's hook after every try of a call: one that may have been applied makes the whole call ambiguous.

    The error that the SDK raises is the last try's, and that may well be a connection refused. Raises the try's error
    where it is too late for another.
    """
    if response is not None and response[0].status_code < 300:
        return
    tries = _tries.get(None)
    if tries is not None:
        error = caught_exception or ClientError(dict(response[1] if response else {}), "")  # type: ignore[arg-type]
        tries.ambiguous |= may_have_applied(error)
        if time.monotonic() > tries.last_at:
            raise error


async def perform(operation: Operation, about: str, seconds: float, emit: Emit, work: Awaitable[Answer]) -> Answer:
    """Awaits `work`, which is one call of `operation`, and emits its event; raises what Calls.call raises.

    No vendor's error is chained: its text can quote the canonical request with the session token.
    """
    started = time.monotonic()
    tries = _Tries(started + (RECEIVE_RETRY_SECONDS if operation.client == "sqs_poll" else seconds))
    token = _tries.set(tries)
    result, answer = INTERRUPTED, NO_ANSWER
    try:
        async with asyncio.timeout(seconds):
            answer = await work
        result = "ok"
        return answer
    except CqworkerError as error:
        result = type(error).__name__
        raise
    except asyncio.CancelledError:
        result = "Cancelled"
        raise
    except Exception as error:  # noqa: BLE001 - whatever is raised while a call is made is a fault of that call
        result = code_of(error)
        if isinstance(error, ClientError) and result in operation.declines:
            raise Declined(result, str(error.response["Error"].get("Message", "")), error.response) from None
        raise translate(error, operation, about, ambiguous=tries.ambiguous) from None
    finally:
        _tries.reset(token)
        emit(call_event(operation, result, time.monotonic() - started, answer))


def call_event(operation: Operation, result: str, seconds: float, answer: Answer = NO_ANSWER) -> ServiceCalled:
    """The event that reports a call; `result` is "ok", a service's error code, or the name of an exception."""
    consumed = answer.get("ConsumedCapacity", ())
    tables = (consumed,) if isinstance(consumed, Mapping) else consumed
    units = sum(float(table.get("CapacityUnits", 0)) for table in tables)
    return ServiceCalled(
        service=operation.service,
        operation=operation.name,
        result=result,
        seconds=seconds,
        write_units=units if operation.writes else 0.0,
        read_units=0.0 if operation.writes else units,
    )
