"""What is right and wrong with the AWS resources that the settings name, found out by harmless calls."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cqworker.aws.aws_call import Calls
from cqworker.aws.aws_identity import AwsIdentity, find_identity
from cqworker.aws.doctor.bucket_checks import check_bucket, check_encryption, check_reading
from cqworker.aws.doctor.check_result import CheckResult, Level, collect
from cqworker.aws.doctor.clock_skew import check_clock
from cqworker.aws.doctor.feature_checks import check_features
from cqworker.aws.doctor.index_checks import check_indexes
from cqworker.aws.doctor.level_checks import check_levels
from cqworker.aws.doctor.queue_checks import check_queue
from cqworker.aws.doctor.region_name import check_region
from cqworker.aws.doctor.sending import check_other_queues
from cqworker.aws.doctor.stuck_jobs import check_stuck_jobs
from cqworker.aws.doctor.table_checks import check_batch_writes, check_table_rights, check_table_shape
from cqworker.clock import Clock
from cqworker.enums import ROLES, Role
from cqworker.settings import ArtifactSettings, Settings

__all__ = ["CheckResult", "Level", "inspect"]


async def inspect(
    clients: Calls,
    settings: Settings,
    largest_max_attempts: int,
    clock: Clock,
    *,
    roles: Collection[str] = ROLES,
    records: int = 1000,
) -> list[CheckResult]:
    """Every result, in the order in which to mend them; without region or credentials there is no more than that.

    What is tried is what daemons in these `roles` do. `records` is how many are looked through for jobs that are stuck,
    or whose queue cannot be sent to.
    """
    found = _check_identity(await find_identity())
    if any(result.level == "error" for result in found):
        return found
    for queue in settings.queues:
        results = check_queue(clients, settings, roles, queue, largest_max_attempts)
        found += await collect(f"queue {queue.name}", results)
    found += await _check_table(clients, settings, roles, clock, records)
    found += await collect("levels of queues", check_levels(clients, settings, clock), beside=True)
    found += await collect("limits", check_features(clients, settings, clock), beside=True)
    found += await _check_artifacts(clients, settings.artifacts, roles)
    found += await collect("clock", check_clock(clients, settings.queues[0].name, clock))
    return list(_without_repeats(found))


def _without_repeats(found: list[CheckResult]) -> Iterator[CheckResult]:
    """The results with each error once: a service that cannot be reached is one error, whichever check asked it."""
    seen: set[str] = set()
    for result in found:
        if result.level != "error" or result.what not in seen:
            seen.add(result.what)
            yield result


async def _check_table(
    clients: Calls, settings: Settings, roles: Collection[str], clock: Clock, records: int
) -> list[CheckResult]:
    table, list_all = settings.store.table, settings.store.list_all
    subject = f"table {table}"
    found = await collect(subject, check_table_rights(clients, table))
    usable = found[-1].level == "ok"
    if usable and settings.aws.batch_writes:
        found += await collect(subject, check_batch_writes(clients, table), level="warning")
    if usable:
        found += await collect(subject, check_indexes(clients, table, roles, list_all=list_all))
    found += await collect(subject, check_table_shape(clients, table, list_all=list_all), beside=True)
    if usable:
        found += await collect(subject, check_other_queues(clients, settings, clock, records), beside=True)
    if usable and records:
        found += await collect(subject, check_stuck_jobs(clients, table, clock, records), beside=True)
    return found


async def _check_artifacts(clients: Calls, settings: ArtifactSettings, roles: Collection[str]) -> list[CheckResult]:
    subject = f"bucket {settings.bucket}"
    found = await collect(subject, check_bucket(clients, settings))
    if found[-1].level != "error":
        found += await collect(subject, check_encryption(clients, settings.bucket), beside=True)
    for source in settings.sources if Role.WORKER in roles else ():
        bucket, _, prefix = source.removeprefix("s3://").partition("/")
        results = check_reading(clients, bucket, f"{prefix.rstrip('/')}/" if prefix else "")
        found += await collect(f"source {source}", results, level="warning")
    return found


def _check_identity(identity: AwsIdentity) -> list[CheckResult]:
    found: list[CheckResult] = []
    if identity.region is None:
        found.append(CheckResult("error", "region", "No AWS region is configured.", "Set AWS_REGION."))
    if identity.fault is not None:
        found.append(CheckResult("error", "credentials", identity.fault.cause, identity.fault.remedy))
    if found or identity.region is None:
        return found
    credentials = CheckResult("ok", "credentials", f"From {identity.provider}, for the region {identity.region}.")
    return [credentials, *check_region(identity.region)]
