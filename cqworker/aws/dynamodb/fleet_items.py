"""The items of the fleet: a daemon's own, the job types of a deploy, what holds for all, and counts of a day."""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cqworker.aws.dynamodb.items import Cell, Item, UnreadableItem, number, text
from cqworker.aws.dynamodb.write_units import UNIT_BYTES, size_of
from cqworker.model.crowding import Crowding
from cqworker.model.limits import LimitOrder
from cqworker.ports.fleet import (
    Command,
    Control,
    Counts,
    FleetMember,
    Heartbeat,
    LevelCount,
    Orders,
    QueueOrder,
    RunningJob,
    WorkerState,
)

FLEET = "fleet"
"""The partition of the daemons' items: one query has them all."""
WORKER_PREFIX = "worker#"
"""What `sk` begins with, of a daemon's item."""
TYPES_PREFIX, TYPES_SORT_KEY = "types#", "types"
COUNT_PREFIX, COUNT_SORT_KEY = "count#", "count"
CONTROL = "control"
"""The keys, both, of the item that says what holds for the whole fleet."""
COUNTED = "c#"
"""What the name of an attribute begins with that counts the outcome of a type: c#<type>#<outcome>."""
WORKER_DAYS, TYPES_DAYS, COUNT_DAYS = 30, 366, 400
"""Days after which TTL deletes a daemon's item that nobody folded, types that no start published again, and counts."""
ORDERS_BYTES = 80
"""Bytes that are left for what others write into a daemon's item: a command and until when it is watched."""
COUNTS_BYTES = 300
"""Bytes of a daemon's counts at most; the rarest types are told together beyond that."""
OTHER_TYPES = "(other)"
"""Stands for the types whose counts found no room of their own."""
MAX_TEXT = 64
"""Characters of a host's and a release's name that are kept."""
NUMBERS = {
    "seen": "seen",
    "started_at": "started",
    "every": "every",
    "slots": "slots",
    "busy": "busy",
    "lag": "lag",
    "leases": "leases",
    "memory": "memory",
    "write_units": "wu",
    "read_units": "ru",
    "ran": "ran",
    "waited": "waited",
    "obeyed": "obeyed",
}
"""Numbers of a heartbeat, and what they are called in its item, where each byte is paid for once a minute."""


def worker_key(worker: str) -> dict[str, Cell]:
    """The primary key of a daemon's item."""
    return {"pk": text(FLEET), "sk": text(WORKER_PREFIX + worker)}


def types_key(key: str) -> dict[str, Cell]:
    """The primary key of the job types behind a hash."""
    return {"pk": text(TYPES_PREFIX + key), "sk": text(TYPES_SORT_KEY)}


def count_key(day: str) -> dict[str, Cell]:
    """The primary key of the counts of a day."""
    return {"pk": text(COUNT_PREFIX + day), "sk": text(COUNT_SORT_KEY)}


def control_key() -> dict[str, Cell]:
    """The primary key of what holds for the whole fleet."""
    return {"pk": text(CONTROL), "sk": text(CONTROL)}


def heartbeat_cells(said: Heartbeat) -> dict[str, Cell]:
    """The attributes of a heartbeat beside its key: within one write unit, as far as its queues' names let it."""
    cells = {
        "boot": text(said.boot),
        "state": text(said.state),
        "purge_at": number(said.seen // 1000 + WORKER_DAYS * 86_400),
        "version": text(said.version),
        "release": text(said.release[:MAX_TEXT]),
        "host": text(said.host[:MAX_TEXT]),
        "roles": text(" ".join(said.roles)),
        "queues": text(" ".join(said.queues)),
        "levels": text(_levels_text(said.levels)),
        "types": text(said.types),
        "counts": text(_packed_counts(said.counts)),
        **{stored: number(getattr(said, name)) for name, stored in NUMBERS.items()},
    }
    room = UNIT_BYTES - ORDERS_BYTES - size_of(worker_key(said.worker)) - size_of(cells) - len("oldest")
    return {**cells, "oldest": text(_packed_jobs(said.oldest, room))}


def member_of(item: Item) -> FleetMember:
    """The daemon of an item. Raises UnreadableItem."""
    try:
        said = Heartbeat(
            worker=item["sk"]["S"].removeprefix(WORKER_PREFIX),
            boot=item["boot"]["S"],
            version=_text(item, "version"),
            release=_text(item, "release"),
            host=_text(item, "host"),
            roles=tuple(_text(item, "roles").split()),
            state=WorkerState(item["state"]["S"]),
            queues=tuple(_text(item, "queues").split()),
            levels=_levels_in(_text(item, "levels")),
            oldest=_unpack(_text(item, "oldest"), tuple[RunningJob, ...]) or (),
            types=_text(item, "types"),
            counts=_unpack(_text(item, "counts"), dict[str, dict[str, int]]) or {},
            **{name: _number(item, stored) for name, stored in NUMBERS.items()},
        )
        return FleetMember(said, orders_of(item))
    except (KeyError, ValueError, zlib.error, msgspec.MsgspecError) as error:
        name = item.get("sk", {}).get("S", "without sk")
        raise UnreadableItem(f"item {name}: {type(error).__name__}: {error}") from error


def orders_of(item: Item) -> Orders:
    """What is asked of the daemon of an item; a command that only a newer version knows is none."""
    given = _text(item, "command") if _text(item, "command_boot") == _text(item, "boot") else ""
    known = Command(given) if given in tuple(Command) else None
    return Orders(known, _number(item, "command_rev"), _number(item, "watched_until"))


def control_cells(control: Control) -> dict[str, Cell]:
    """What holds for the fleet, as attributes' values."""
    orders = {"queues": control.queues, "limits": control.limits}
    packed = {name: text(msgspec.json.encode(held).decode()) for name, held in orders.items()}
    return {"rev": number(control.revision), **packed}


def control_of(item: Item) -> Control:
    """What holds for the fleet by its item. Raises UnreadableItem."""
    try:
        queues = msgspec.json.decode(_text(item, "queues") or "{}", type=dict[str, QueueOrder])
        limits = msgspec.json.decode(_text(item, "limits") or "{}", type=dict[str, LimitOrder])
        enabled = frozenset(item.get("enabled", {}).get("SS", ()))
        crowding = msgspec.json.decode(_text(item, "crowding"), type=Crowding) if "crowding" in item else None
        return Control(_number(item, "rev"), queues, limits, enabled, crowding)
    except (ValueError, msgspec.MsgspecError) as error:
        raise UnreadableItem(f"the item control: {type(error).__name__}: {error}") from error


def counts_of(item: Item) -> Counts:
    """The counts of a day by its item."""
    counts: dict[str, dict[str, int]] = {}
    for name in item:
        if name.startswith(COUNTED):
            job_type, _, outcome = name.removeprefix(COUNTED).rpartition("#")
            counts.setdefault(job_type, {})[outcome] = _number(item, name)
    return counts


def _levels_text(levels: Sequence[LevelCount]) -> str:
    return " ".join(f"{level.queue}:{level.starts}:{level.oldest}" for level in levels)


def _levels_in(packed: str) -> tuple[LevelCount, ...]:
    found = (level.split(":") for level in packed.split())
    return tuple(LevelCount(queue, int(starts), int(oldest)) for queue, starts, oldest in found)


def _packed_counts(counts: Counts) -> str:
    """As many types as there is room for, the busiest first; the others are told together."""
    ordered = sorted(counts, key=lambda job_type: sum(counts[job_type].values()), reverse=True)
    for kept in range(len(ordered), -1, -1):
        shown: dict[str, Mapping[str, int]] = {job_type: counts[job_type] for job_type in ordered[:kept]}
        rest: Counter[str] = Counter()
        for job_type in ordered[kept:]:
            rest.update(counts[job_type])
        if len(packed := _pack(shown | ({OTHER_TYPES: rest} if rest else {}))) <= COUNTS_BYTES:
            return packed
    return ""


def _packed_jobs(jobs: Sequence[RunningJob], room: int) -> str:
    """As many as there is room for (bytes), the oldest first."""
    while jobs and len(packed := _pack(jobs)) > room:
        jobs = jobs[: min(len(jobs) - 1, len(jobs) * room // len(packed))] if room > 0 else ()
    return _pack(jobs) if jobs else ""


def _pack(value: object) -> str:
    """JSON, deflated, as text: bytes would be written otherwise by the SDK than by the lean client."""
    return base64.b85encode(zlib.compress(msgspec.json.encode(value), 9)).decode() if value else ""


def _unpack(packed: str, kind: Any) -> Any:
    return msgspec.json.decode(zlib.decompress(base64.b85decode(packed)), type=kind) if packed else None


def _text(item: Item, name: str) -> str:
    return str(item[name]["S"]) if name in item else ""


def _number(item: Item, name: str) -> int:
    return int(item[name]["N"]) if name in item else 0
