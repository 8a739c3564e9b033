"""What is right and wrong with the AWS resources that the settings name, found out by harmless calls."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cqworker.aws.aws_call import Calls
from cqworker.aws.aws_identity import AwsIdentity, find_identity
from cqworker.aws.doctor.bucket_checks import bucket_findings, encryption_findings, reading_findings
from cqworker.aws.doctor.clock_skew import clock_findings
from cqworker.aws.doctor.finding import Finding, Level, collected
from cqworker.aws.doctor.queue_checks import queue_findings
from cqworker.aws.doctor.region_name import region_findings
from cqworker.aws.doctor.stuck_jobs import stuck_findings
from cqworker.aws.doctor.table_checks import batch_findings, shape_findings, use_findings
from cqworker.clock import Clock
from cqworker.enums import ROLES, Role
from cqworker.settings import ArtifactSettings, Settings

__all__ = ["Finding", "Level", "inspect"]


async def inspect(
    clients: Calls,
    settings: Settings,
    largest_max_attempts: int,
    clock: Clock,
    *,
    roles: Collection[str] = ROLES,
    records: int = 1000,
) -> list[Finding]:
    """Every finding, in the order in which to mend them; without region or credentials there is no more than that.

    What is tried is what daemons in these `roles` do. `records` is how many are looked through for jobs that are stuck.
    """
    found = _identity_findings(await find_identity())
    if any(finding.level == "error" for finding in found):
        return found
    for queue in settings.queues:
        findings = queue_findings(clients, settings, roles, queue, largest_max_attempts)
        found += await collected(f"queue {queue.name}", findings)
    found += await _table_findings(clients, settings, roles, clock, records)
    found += await _artifact_findings(clients, settings.artifacts, roles)
    found += await collected("clock", clock_findings(clients, settings.queues[0].name, clock))
    return list(_told_once(found))


def _told_once(found: list[Finding]) -> Iterator[Finding]:
    """A service that cannot be reached is one error, whoever asked it for what."""
    told: set[str] = set()
    for finding in found:
        if finding.level != "error" or finding.what not in told:
            told.add(finding.what)
            yield finding


async def _table_findings(
    clients: Calls, settings: Settings, roles: Collection[str], clock: Clock, records: int
) -> list[Finding]:
    table = settings.store.table
    subject = f"table {table}"
    found = await collected(subject, use_findings(clients, table, roles))
    usable = found[-1].level == "ok"
    if usable and settings.aws.batch_writes and Role.WORKER in roles:
        found += await collected(subject, batch_findings(clients, table), level="warning")
    found += await collected(subject, shape_findings(clients, table), beside=True)
    if usable and records:
        found += await collected(subject, stuck_findings(clients, table, clock, records), beside=True)
    return found


async def _artifact_findings(clients: Calls, settings: ArtifactSettings, roles: Collection[str]) -> list[Finding]:
    subject = f"bucket {settings.bucket}"
    found = await collected(subject, bucket_findings(clients, settings))
    if found[-1].level != "error":
        found += await collected(subject, encryption_findings(clients, settings.bucket), beside=True)
    for source in settings.sources if Role.WORKER in roles else ():
        bucket, _, prefix = source.removeprefix("s3://").partition("/")
        findings = reading_findings(clients, bucket, f"{prefix.rstrip('/')}/" if prefix else "")
        found += await collected(f"source {source}", findings, level="warning")
    return found


def _identity_findings(who: AwsIdentity) -> list[Finding]:
    found: list[Finding] = []
    if who.region is None:
        found.append(Finding("error", "region", "No AWS region is configured.", "Set AWS_REGION."))
    if who.fault is not None:
        found.append(Finding("error", "credentials", who.fault.cause, who.fault.remedy))
    if found or who.region is None:
        return found
    credentials = Finding("ok", "credentials", f"From {who.provider}, for the region {who.region}.")
    return [credentials, *region_findings(who.region)]
