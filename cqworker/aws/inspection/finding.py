"""What an inspection says about one thing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from cqworker.aws.faults import BY_CODE, DENIED
from cqworker.aws.translation import AwsFault

Level = Literal["ok", "warning", "error"]
DENIALS = frozenset(code for code, row in BY_CODE.items() if row is DENIED)


@dataclass(frozen=True, slots=True)
class Finding:
    """How bad it is, what it is about, what was found, and how to mend it ("" where nothing is to mend)."""

    level: Level
    subject: str
    what: str
    fix: str = ""


async def collected(subject: str, findings: AsyncIterator[Finding], *, optional: bool = False) -> list[Finding]:
    """The findings, ended by one more where a service did not do its part.

    `optional` marks what only an inspection asks for: a role that is not allowed to ask is not a broken one.
    """
    found: list[Finding] = []
    try:
        async for finding in findings:
            found.append(finding)  # noqa: PERF401 - what came before the fault is kept
    except AwsFault as fault:
        if optional and fault.code in DENIALS:
            found.append(Finding("warning", subject, f"This could not be checked: {fault.cause}", fault.remedy))
        else:
            found.append(Finding("error", subject, fault.cause, fault.remedy))
    return found
