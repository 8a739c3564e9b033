"""Records as DynamoDB keeps them: compact, sparse, and readable in the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

import orjson
from msgspec.structs import replace

from cqworker.model.history import Entry
from cqworker.model.listing import Listing
from cqworker.model.record import Failure, JobRecord, Progress, shard_of
from cqworker.model.status import FailureKind, Status
from cqworker.model.timestamps import day_of
from cqworker.ports import KeyItem

Cell = dict[str, Any]
"""One attribute value as the API writes it: {"S": text}, {"N": digits} or {"L": cells}."""
Item = Mapping[str, Cell]

JOB_PREFIX = "job#"
KEY_PREFIX = "key#"
"""What `pk` begins with, of a job's item and of an idempotency key's."""
SORT_KEY = {"S": "job"}
STATUSES = {status.value: status for status in Status}
LISTING_KEYS = ("listing", "listed")
"""The attributes that are the keys of the listing index: who lacks them is not in it."""
LISTING_WORDS = Listing.__struct_fields__
"""The attributes that the listing index shows beside those that every record has."""
KEY_GRACE_SECONDS = 3600
"""Seconds that a key's item outlives the key: it is honoured by the time it carries, TTL only sweeps."""
_FIELDS = {name: kind for name, kind in get_type_hints(JobRecord).items() if name != "job_id"}
TEXT_FIELDS = tuple(name for name, kind in _FIELDS.items() if kind in (str, str | None, Status))
NUMBER_FIELDS = tuple(name for name, kind in _FIELDS.items() if kind in (int, int | None))
"""Whatever else a record has is written and read by a rule of its own."""


class UnreadableItem(ValueError):
    """An item that is no job of ours, or that this version cannot read; the text says which and why."""


def text(value: str) -> Cell:
    """A string attribute."""
    return {"S": value}


def number(value: int) -> Cell:
    """A number attribute."""
    return {"N": str(value)}


def entries(history: tuple[Entry, ...]) -> Cell:
    """A list of history entries in their stored form."""
    return {"L": [{"S": entry.text()} for entry in history]}


def failure_cell(failure: Failure) -> Cell:
    """A failure as one JSON string, without what it does not say."""
    fields = {
        "kind": failure.kind,
        "message": failure.message,
        "error": failure.error,
        "stage": failure.stage,
        "traceback": failure.traceback,
        "fingerprint": failure.fingerprint,
    }
    return _json_cell({name: _replace_surrogates(value) for name, value in fields.items() if value is not None})


def progress_cell(progress: Progress) -> Cell:
    """A progress as one JSON string, without what it does not say."""
    fields = {
        "done": progress.done,
        "total": progress.total,
        "note": progress.note and _replace_surrogates(progress.note),
        "at": progress.at,
    }
    return _json_cell({name: value for name, value in fields.items() if value is not None})


def listing_cells(job_id: str, status: Status, ended_at: int, listing: Listing | None) -> dict[str, Cell | None]:
    """What a job that ended at `ended_at` (epoch ms) has in the listing index; None: what takes it out of it."""
    if listing is None:
        return dict.fromkeys(LISTING_KEYS)
    keys = listing_keys(job_id, status, ended_at)
    said = {name: text(value) if (value := getattr(listing, name)) else None for name in LISTING_WORDS}
    return {**{name: text(value) for name, value in zip(LISTING_KEYS, keys, strict=True)}, **said}


def listing_keys(job_id: str, status: Status, ended_at: int) -> tuple[str, str]:
    """Where a job that ended at `ended_at` (epoch ms) stands in the listing index: its partition, its place there."""
    return f"{status}#{day_of(ended_at)}#{shard_of(job_id)}", f"{ended_at:013}#{job_id}"


def job_key(job_id: str) -> dict[str, Cell]:
    """The primary key of a job's item."""
    return {"pk": {"S": JOB_PREFIX + job_id}, "sk": SORT_KEY}


def item_of(record: JobRecord) -> dict[str, Cell]:
    """The whole item of a record; what is empty is left out, the history and the counters never are."""
    item = job_key(record.job_id)
    item |= {name: text(value) for name in TEXT_FIELDS if (value := getattr(record, name)) is not None}
    item |= {name: number(value) for name in NUMBER_FIELDS if (value := getattr(record, name)) is not None}
    item |= {"history": entries(record.history), "day": text(record.day)}
    if record.metadata:
        item["metadata"] = _json_cell(dict(record.metadata))
    if record.tags:
        item["tags"] = _json_cell(record.tags)
    if record.progress:
        item["progress"] = progress_cell(record.progress)
    if record.failure:
        item["failure"] = failure_cell(record.failure)
    if record.listing:
        cells = listing_cells(record.job_id, record.status, record.finished_at or 0, record.listing)
        item |= {name: cell for name, cell in cells.items() if cell is not None}
    return item


def record_of(item: Item) -> JobRecord:
    """The record of an item, whatever else a newer version wrote into it; raises Unreadable."""
    known: dict[str, Any] = {}
    try:
        for name, cell in item.items():
            if name not in TAGS:
                continue
            tag = TAGS[name]
            if tag == "S":
                known[name] = cell["S"]
            elif tag == "N":
                known[name] = int(cell["N"])
            else:
                known[name] = READERS[name](cell)
        if LISTING_KEYS[0] in item:
            known["listing"] = Listing(**{name: item[name]["S"] for name in LISTING_WORDS if name in item})
        return JobRecord(job_id=item["pk"]["S"].removeprefix(JOB_PREFIX), **known)
    except (KeyError, TypeError, ValueError) as error:
        name = item.get("pk", {}).get("S", "without pk")
        raise UnreadableItem(f"item {name}: {type(error).__name__}: {error}") from error


def key_item(key: KeyItem) -> dict[str, Cell]:
    """The item of an idempotency key."""
    item = {
        "pk": text(KEY_PREFIX + key.key),
        "sk": text("key"),
        "job_id": text(key.job_id),
        "request": text(key.request),
    }
    item |= {"expires_at": number(key.expires_at), "purge_at": number(key.expires_at // 1000 + KEY_GRACE_SECONDS)}
    if key.replacement is not None:
        item |= {"replacement": number(key.replacement), "standing": text(key.standing or "")}
    return item | {"decided": {"BOOL": True}} if key.decided else item


def key_of(item: Item) -> KeyItem:
    """The idempotency key of an item; raises Unreadable."""
    try:
        held = item["pk"]["S"].removeprefix(KEY_PREFIX), item["job_id"]["S"], item["request"]["S"]
        key = KeyItem(*held, int(item["expires_at"]["N"]), decided="decided" in item)
        if "replacement" not in item:
            return key
        return replace(key, replacement=int(item["replacement"]["N"]), standing=item["standing"]["S"])
    except (KeyError, ValueError) as error:
        raise UnreadableItem(f"an idempotency key's item: {type(error).__name__}: {error}") from error


def _json_cell(value: object) -> Cell:
    return {"S": orjson.dumps(value).decode()}


def _replace_surrogates(value: str) -> str:
    """What an exception says may hold lone surrogates, which neither JSON nor DynamoDB takes."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _read_json(cell: Cell) -> Any:
    return orjson.loads(cell["S"])


def _read_failure(cell: Cell) -> Failure:
    fields = orjson.loads(cell["S"])
    said = {name: fields.get(name) for name in ("error", "stage", "traceback", "fingerprint")}
    return Failure(FailureKind(fields["kind"]), fields["message"], **said)


def _read_progress(cell: Cell) -> Progress:
    fields = orjson.loads(cell["S"])
    return Progress(fields["done"], fields.get("total"), fields.get("note"), fields["at"])


READERS: dict[str, Callable[[Cell], Any]] = {
    "status": lambda cell: STATUSES[cell["S"]],
    "history": lambda cell: tuple([Entry.read(entry["S"]) for entry in cell["L"]]),
    "metadata": _read_json,
    "tags": lambda cell: tuple(_read_json(cell)),
    "progress": _read_progress,
    "failure": _read_failure,
}
TAGS = {**dict.fromkeys(TEXT_FIELDS, "S"), **dict.fromkeys(NUMBER_FIELDS, "N"), **dict.fromkeys(READERS, "")}
