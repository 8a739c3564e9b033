"""Which jobs an operation is about: the list behind its filter, and what may be done to each job of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from cqworker.errors import ListingRefused
from cqworker.field_docs import document_fields
from cqworker.jobs.list_ask import FILTERS, MAX_PAGE, ListAsk, list_ask_from
from cqworker.model.operations import Act, Operation, Refusal, is_internal, is_of_its_time
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.model.tenants import EVERY_TENANT


def ask_of(act: Act, texts: Mapping[str, str], as_of: int) -> ListAsk:
    """The list of the jobs that a filter means, as it stands at `as_of` (epoch ms).

    Raises ListingRefused where it names none, or a status that does not admit the act.
    """
    if not texts:
        raise ListingRefused(f"The filter is empty: say which jobs are meant, by {', '.join(FILTERS)}.")
    if other := next((name for name in texts if name not in FILTERS), None):
        raise ListingRefused(f"A filter has no {other[:40]!r}; there are {', '.join(FILTERS)}.")
    ask = list_ask_from(texts)
    status = ask.status or act.usual_status
    if status is not None and not act.admits(status):
        may = ", ".join(each for each in Status if act.admits(each))
        raise ListingRefused(f"No {status} job can be {PAST[act]}; `status` may be {may}.")
    ask = replace(ask, status=status, limit=MAX_PAGE)
    if status is Status.SCHEDULED:
        return ask  # its times are ahead; since when it waits, each record says
    return replace(ask, last=as_of - 1 if ask.last is None else min(ask.last, as_of - 1))


PAST = {Act.RETRY: "retried", Act.CANCEL: "cancelled"}
"""What was done to a job, in a word."""


def tenant_of(operation: Operation) -> str | None:
    """Whose jobs it may touch; None: everybody's."""
    return None if operation.tenant == EVERY_TENANT else operation.tenant


def fits(operation: Operation, record: JobRecord) -> bool:
    """Whether a job that the filter matches is meant, too: it is, since the operation was asked for."""
    return (
        operation.act.admits(record.status)
        and (operation.act is Act.RETRY or record.cancel_requested_at is None)
        and not is_internal(record.type)
        and is_of_its_time(record, operation.as_of)
        and tenant_of(operation) in (None, record.tenant)
    )


@document_fields(
    records="Those to which it can be done, in their order.",
    skipped="How many have changed since it was asked for.",
    refused="How many are left as they are, by why.",
)
class Named(Struct, frozen=True):
    """Jobs that an operation names, sorted out."""

    records: Sequence[JobRecord]
    skipped: int
    refused: Mapping[Refusal, int]


def sort_out(operation: Operation, names: Collection[str], found: Collection[JobRecord]) -> Named:
    """What can be done to the jobs of these ids, whose records are `found`."""
    by_id = {record.job_id: record for record in found}
    records, skipped, refused = [], 0, dict[Refusal, int]()
    for name in names:
        record = by_id.get(name)
        if record is None or tenant_of(operation) not in (None, record.tenant):
            reason = Refusal.GONE
        elif fits(operation, record):
            records.append(record)
            continue
        elif is_internal(record.type):
            reason = Refusal.INTERNAL
        elif not is_of_its_time(record, operation.as_of):
            skipped += 1
            continue
        else:
            reason = Refusal.STATUS
        refused[reason] = refused.get(reason, 0) + 1
    return Named(records, skipped, refused)
