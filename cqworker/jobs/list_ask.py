"""What a list or a count of jobs is asked for, read from texts: a query string, options of a command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from difflib import get_close_matches
from hashlib import sha256

import orjson
from msgspec import Struct

from cqworker.errors import ListingRefused
from cqworker.field_docs import document_fields
from cqworker.model.job_view import worker_of
from cqworker.model.record import JobRecord
from cqworker.model.status import Status

MAX_PAGE = 200
"""Jobs of one page at most: two requests for their records."""
USUAL_PAGE = 50
"""Jobs of one page where nobody says how many."""
MAX_TEXT = 256
"""Characters of a filter's text: no field of a job that it is compared with is longer."""
MAX_TIME = 253_402_300_799_999
"""The last millisecond that a date can have (datetime.MAXYEAR)."""
FILTERS = ("status", "type", "queue", "tenant", "tag", "worker", "release", "fingerprint", "from", "to")
"""The names by which jobs are chosen; `limit` and `cursor` say which page of them."""
INDEXED = ("type", "queue", "tenant", "worker", "release", "fingerprint")
"""Those that the listing index can tell by itself."""
NAMES = (*FILTERS, "limit", "cursor")
_is_date = re.compile(r"\d{4}-\d{2}-\d{2}").fullmatch
_is_number = re.compile(r"[0-9]{1,4}").fullmatch


@document_fields(
    status="The only status that is shown; None: every one.",
    type="The job type.",
    queue="The queue.",
    tenant="Whose jobs.",
    tag="One of their tags.",
    worker="Who ended them, or had them last.",
    release="The release of the code that ended them.",
    fingerprint="That of their failure.",
    first="The earliest time (epoch ms).",
    last="The latest time (epoch ms).",
    limit="Jobs of a page at most.",
    cursor="Where an earlier page ended.",
)
class ListAsk(Struct, frozen=True, kw_only=True):
    """Which jobs; what is None makes no difference.

    The time is when a job ended, for a listed status; when it is due, for SCHEDULED; else when it was submitted.
    """

    status: Status | None = None
    type: str | None = None
    queue: str | None = None
    tenant: str | None = None
    tag: str | None = None
    worker: str | None = None
    release: str | None = None
    fingerprint: str | None = None
    first: int | None = None
    last: int | None = None
    limit: int = USUAL_PAGE
    cursor: str | None = None

    @property
    def digest(self) -> str:
        """The same for the pages of one list: a cursor of another list's would leave jobs out."""
        asked = [getattr(self, name) for name in self.__struct_fields__ if name not in ("limit", "cursor")]
        return sha256(orjson.dumps(asked)).hexdigest()[:8]

    @property
    def where(self) -> dict[str, str]:
        """What the listing index can compare by itself."""
        return {name: value for name in INDEXED if (value := getattr(self, name)) is not None}

    def is_met_by(self, record: JobRecord) -> bool:
        """Whether the record is of a job that is asked for, whatever its time."""
        failure, listing = record.failure, record.listing
        said = {
            "status": record.status,
            "type": record.type,
            "queue": record.queue,
            "tenant": record.tenant,
            "worker": worker_of(record),
            "release": listing.release if listing else None,
            "fingerprint": failure.fingerprint if failure else None,
        }
        return self.tag in (None, *record.tags) and all(getattr(self, name) in (None, said[name]) for name in said)


def list_ask_from(texts: Mapping[str, str]) -> ListAsk:
    """What is asked for by these names and texts. Raises ListingRefused, which says what is wrong and what may be."""
    for name in texts:
        if name not in NAMES:
            near = get_close_matches(name[:MAX_TEXT], NAMES, n=1)
            meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(NAMES)}."
            raise ListingRefused(f"Jobs cannot be chosen by {name[:40]!r}; {meant}")
    said = {name: _text(name, texts[name]) for name in (*INDEXED, "tag") if name in texts}
    first, last = _time("from", texts), _time("to", texts)
    if first is not None and last is not None and first >= last:
        raise ListingRefused("`from` must be before `to`: no job is from a later time to an earlier one.")
    return ListAsk(
        **said,
        status=_status(texts.get("status")),
        first=first,
        last=None if last is None else last - 1,
        limit=_limit(texts.get("limit")),
        cursor=texts.get("cursor"),
    )


def _text(name: str, value: str) -> str:
    if not 0 < len(value) <= MAX_TEXT:
        raise ListingRefused(
            f"`{name}` must have 1 to {MAX_TEXT} characters; leave it out where it makes no difference."
        )
    return value


def _status(value: str | None) -> Status | None:
    if value is None:
        return None
    try:
        return Status(value.upper())
    except ValueError:
        raise ListingRefused(f"`status` must be one of {', '.join(Status)}; left out: every one.") from None


def _limit(value: str | None) -> int:
    limit = USUAL_PAGE if value is None else int(value) if _is_number(value) else 0
    if not 1 <= limit <= MAX_PAGE:
        raise ListingRefused(f"`limit` must be a whole number from 1 to {MAX_PAGE}; the next page goes on from there.")
    return limit


def _time(name: str, texts: Mapping[str, str]) -> int | None:
    """Epoch ms of a day's beginning (UTC), or of an RFC 3339 time."""
    if (value := texts.get(name)) is None:
        return None
    try:
        if _is_date(value):
            moment = datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC)
        else:
            moment = datetime.fromisoformat(value.replace(" ", "+"))  # what a query string makes of a + in it
        if moment.tzinfo is None:
            raise ValueError(value)
        return max(0, round(moment.timestamp() * 1000))
    except (ValueError, OverflowError):
        raise ListingRefused(
            f"`{name}` must be a time with its zone, such as 2026-11-30T06:00:00Z, or a day such as 2026-11-30 (UTC)."
        ) from None
