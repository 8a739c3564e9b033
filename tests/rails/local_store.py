"""Both stores without a process or a socket: the rules in memory, and DynamoDB's words read by the bench's service."""

from __future__ import annotations

from cqworker.aws.aws_call import DEADLINE_SECONDS, Answer, Declined, Read, Request
from cqworker.aws.dynamodb.job_store import DynamoStore
from cqworker.aws.operations import Operation
from cqworker.clock import Clock
from cqworker.ports import JobStore
from cqworker.testing import MemoryStore
from tests.bench.calling import TABLE, Caller, Refused

STORES = ("memory", "DynamoDB")


class LocalCalls:
    """AWS's DynamoDB as one object in this process."""

    def __init__(self) -> None:
        self._caller = Caller()

    async def call(
        self,
        operation: Operation,
        request: Request,
        about: str,
        *,
        seconds: float = DEADLINE_SECONDS,
        read: Read | None = None,
    ) -> Answer:
        """As Calls.call; what the operation does not expect is raised as it came."""
        try:
            answer: Answer = self._caller.dynamodb(operation.name, **request)
        except Refused as refused:
            if refused.code not in operation.declines:
                raise
            raise Declined(refused.code, str(refused), refused.answer) from None
        return answer if read is None else await read(answer)


def store_of(name: str, clock: Clock) -> JobStore:
    """An empty store of this name."""
    return MemoryStore(clock) if name == "memory" else DynamoStore(LocalCalls(), str(TABLE["TableName"]), clock)
