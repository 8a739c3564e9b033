"""The result of a check, and how a check tries a right without doing harm."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from cqworker.aws.aws_call import Answer, Calls, Declined, Request
from cqworker.aws.error_table import BY_CODE, DENIED
from cqworker.aws.error_translation import AwsFault, translate
from cqworker.aws.operations import Operation

Level = Literal["ok", "info", "warning", "error"]
DENIED_CODES = frozenset(code for code, row in BY_CODE.items() if row is DENIED)
"""Error codes that say that the role lacks a right."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How bad it is, what it is about, what was found, and how to mend it ("" where nothing is to mend)."""

    level: Level
    subject: str
    what: str
    fix: str = ""


async def collect(
    subject: str, results: AsyncIterator[CheckResult], *, beside: bool = False, level: Level = "error"
) -> list[CheckResult]:
    """The results, ended by one more, of this `level`, where a service raised an AwsFault.

    `beside` marks what no daemon ever asks for: that a role may not ask for it is information, and nothing is wrong.
    """
    found: list[CheckResult] = []
    try:
        async for result in results:
            found.append(result)  # noqa: PERF401 - what came before the fault is kept
    except AwsFault as fault:
        denied = fault.code in DENIED_CODES
        if denied and beside:
            what = f"Not checked, which is fine for running: {fault.cause}"
            found.append(CheckResult("info", subject, what, fault.remedy))
        else:
            found.append(CheckResult(level if denied else "error", subject, fault.cause, fault.remedy))
    return found


async def try_call(
    clients: Calls, operation: Operation, request: Request, about: str, granted: frozenset[str]
) -> Answer | None:
    """Makes a request that changes nothing: its answer, or None where it was refused with one of the codes `granted`.

    Those codes alone show that the role has the right. Every other refusal, of the request or of an entry in it, is
    raised as AwsFault: nothing that was refused is ever found to be allowed.
    """
    try:
        answer = await clients.call(operation, request, about)
    except Declined as declined:
        if declined.code in granted:
            return None
        raise declined.as_fault(operation, about) from None
    for error in _entry_errors(answer):
        if error["Code"] not in granted:
            response: Any = {"Error": error}
            raise translate(ClientError(response, operation.name), operation, about, ambiguous=False)
    return answer


def _entry_errors(answer: Answer) -> list[dict[str, Any]]:
    """What an answer says against single entries (SQS) or statements (DynamoDB) of its request."""
    entries = [{"Code": each["Code"], "Message": each.get("Message", "")} for each in answer.get("Failed", ())]
    responses = answer.get("Responses", ())
    if isinstance(responses, dict):  # the items of a BatchGetItem by table, which has no errors of its own
        return entries
    return entries + [each["Error"] for each in responses if each.get("Error")]
