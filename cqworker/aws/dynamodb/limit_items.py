"""The items of limits: the slots of a key, and an entry for each job that waits for one."""

from __future__ import annotations

from cqworker.aws.dynamodb.items import Cell, Item, UnreadableItem, number, text
from cqworker.ports.limits import Slots, Waiter

LIMIT_PREFIX = "limit#"
"""What `pk` begins with, of everything that belongs to one limited key."""
SLOTS_PREFIX = "slots#"
"""What `sk` begins with, of the slots of one shard."""
WAITER_PREFIX = "w#"
"""What `sk` begins with, of a job that waits: then when it was made, so that the oldest is the first."""

DUE_LIMITS = "limit"
"""The `due` of a marked key: a partition of the index in which no job is."""


def slots_key(key: str, shard: int) -> dict[str, Cell]:
    """The primary key of the slots of one shard."""
    return {"pk": text(LIMIT_PREFIX + key), "sk": text(f"{SLOTS_PREFIX}{shard:02}")}


def waiter_key(key: str, waiter: Waiter) -> dict[str, Cell]:
    """The primary key of an entry of a waiting list."""
    return {"pk": text(LIMIT_PREFIX + key), "sk": text(f"{WAITER_PREFIX}{waiter.created_at:015}#{waiter.job_id}")}


def waiter_item(key: str, waiter: Waiter) -> dict[str, Cell]:
    """The whole entry of a waiting list."""
    times = {"parked_at": number(waiter.parked_at), "purge_at": number(waiter.purge_at)}
    admitted: dict[str, Cell] = {"admitted": {"BOOL": True}} if waiter.is_admitted else {}
    return waiter_key(key, waiter) | {"token": text(waiter.token)} | times | admitted


def slots_of(item: Item) -> Slots:
    """The slots of one shard by its item. Raises UnreadableItem."""
    try:
        shard = int(item["sk"]["S"].removeprefix(SLOTS_PREFIX))
        held = {job_id: token["S"] for job_id, token in item.get("held", {"M": {}})["M"].items()}
        spread = int(item["spread"]["N"]) if "spread" in item else 1
        return Slots(shard, held, item["waiting"]["S"] if "waiting" in item else None, spread)
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableItem(f"the slots of a limit: {type(error).__name__}: {error}") from error


def waiter_of(item: Item) -> Waiter:
    """The entry of a waiting list by its item. Raises UnreadableItem."""
    try:
        created_at, _, job_id = item["sk"]["S"].removeprefix(WAITER_PREFIX).partition("#")
        times = int(item["parked_at"]["N"]), int(item["purge_at"]["N"])
        return Waiter(int(created_at), job_id, item["token"]["S"], *times, "admitted" in item)
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableItem(f"an entry of a waiting list: {type(error).__name__}: {error}") from error
