"""The limits of a fleet: what may be limited, how much, and which limits bind a job."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256

from msgspec import Struct

from cqworker.field_docs import document_fields
from cqworker.model.tenants import tenant_fault
from cqworker.model.timestamps import rfc3339

MAX_LIMIT_KEY = 128
"""Characters of a job's `limit_key`."""
SHOWN_HASH = 12
"""Characters of a key's hash that people are shown."""
MAX_KEPT_AT_ZERO = 14 * 86_400
"""Seconds that a limit of 0 in a file may last at most: as long as SQS keeps a message."""
MAX_PAUSED = 86_400
"""Seconds that a limit of 0 may last which somebody asks for over HTTP: one who forgets it stops work for a day."""
MAX_CONCURRENCY = 100_000
"""Jobs that one limit lets run at once at most."""
MAX_BURST = 1_000_000
"""Starts at once that a limit's `burst` may allow."""
USUAL_MAX_WAITING = 100_000
"""Jobs that may wait for a slot of one key, where a file says nothing."""
MAX_WAITING = 1_000_000
"""The most that a file may let wait: a full list is counted once a minute."""
MAX_KEY_NAME = 256
"""Characters of a limited key, as it is stored and as people name it."""
RATE = r"^([1-9][0-9]{0,8})/(s|m|h|d)$"
"""A rate as people write it: so many starts a second, minute, hour or day."""
MAX_RATE = 10_000
"""Starts a second that a rate allows at most; the least is one a day."""
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
"""Seconds of what a rate is counted by."""
KINDS = ("type", "queue", "tenant", "key")
"""What a limit can be for."""
EVERY = "*"
"""What stands in a pattern for each tenant, or each key, by itself."""
HOW_TO_NAME = (
    'name what is limited as "type:<job type>", "queue:<queue>", "tenant:<tenant>", "tenant:*" (each tenant by itself) '
    'or "key:*" (each limit_key by itself)'
)
"""How the name of a limit is written in a file."""
_hashed_parts = re.compile(r"key:(.{1,128}):[0-9a-f]{64}").fullmatch
_rate_parts = re.compile(RATE.removesuffix("$")).fullmatch


class OnFull(StrEnum):
    """What becomes of a job that a limit does not let start now."""

    WAIT = "wait"
    DROP = "drop"
    """It is CANCELLED."""


@document_fields(
    starts="Starts.",
    unit="In which time: s, m, h or d.",
)
class Rate(Struct, frozen=True):
    """How often jobs may start on average."""

    starts: int
    unit: str

    def __str__(self) -> str:
        """As people write it: 100/s."""
        return f"{self.starts}/{self.unit}"

    @property
    def interval_us(self) -> int:
        """Microseconds between two starts, rounded up: no rate is ever exceeded by rounding."""
        return -(-UNIT_SECONDS[self.unit] * 1_000_000 // self.starts)


def rate_from(text: str) -> Rate:
    """The rate that is written so. Raises ValueError with how to write one."""
    if (parts := _rate_parts(text)) is None:
        raise ValueError(f'{text[:40]!a} is no rate: write starts and a time, as in "100/s", "30/m", "500/h" or "1/d"')
    rate = Rate(int(parts[1]), parts[2])
    if rate.starts > MAX_RATE * UNIT_SECONDS[rate.unit]:
        raise ValueError(f"{rate} is too many: a rate is one a day to 10,000 a second")
    return rate


@document_fields(
    concurrency="Jobs that may run at once; None: as many as there are slots.",
    rate="How often they may start, or None.",
    burst="Starts at once after as long a pause; None: what the rate gives in a second, at least one.",
    on_full="What becomes of a job that it does not let start now.",
    max_waiting="Jobs that may wait for a slot.",
    until="When the limit ends by itself (epoch ms), or None.",
)
class Limit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What binds all the jobs of one key together, over all workers."""

    concurrency: int | None = None
    rate: Rate | None = None
    burst: int | None = None
    on_full: OnFull = OnFull.WAIT
    max_waiting: int = USUAL_MAX_WAITING
    until: int | None = None

    @property
    def starts_at_once(self) -> int:
        """Its burst: as written, else what the rate gives in a second, at least one."""
        if self.burst is not None or self.rate is None:
            return self.burst or 1
        return max(1, 1_000_000 // self.rate.interval_us)

    def is_in_force(self, now: int) -> bool:
        """Whether it holds at `now` (epoch ms)."""
        return self.until is None or now < self.until


@document_fields(
    concurrency="As in the limit.",
    rate="As in the limit.",
    burst="As in the limit.",
    until="When it ends by itself (epoch ms), or None.",
    since="Since when it holds (epoch ms).",
    by="Who asked for it.",
    reason="Why.",
    limit_key="Of a key of one tenant its text, which the key has as a hash; or None.",
)
class LimitOrder(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an operator said of one key: it goes before what the files say, part by part."""

    concurrency: int | None = None
    rate: Rate | None = None
    burst: int | None = None
    until: int | None = None
    since: int = 0
    by: str = ""
    reason: str = ""
    limit_key: str | None = None

    def is_in_force(self, now: int) -> bool:
        """Whether it holds at `now` (epoch ms)."""
        return self.until is None or now < self.until

    def over(self, written: Limit | None) -> Limit:
        """The limit that holds while this does, where a file says that one."""
        kept = written or Limit()
        return Limit(
            concurrency=kept.concurrency if self.concurrency is None else self.concurrency,
            rate=kept.rate if self.rate is None else self.rate,
            burst=kept.burst if self.rate is None and self.burst is None else self.burst,
            on_full=OnFull.WAIT if self.concurrency == 0 else kept.on_full,
            max_waiting=kept.max_waiting,
        )


@document_fields(
    key="The limit.",
    token="That of the claim that parked the job.",  # noqa: S106 - of a claim
)
class Woken(Struct, frozen=True):
    """For a free slot of which limit a copy was sent, and whose park it ends: no later one."""

    key: str
    token: str


def hashed_key(tenant: str, limit_key: str) -> str:
    """The key of a job's `limit_key`: no tenant can name another's."""
    return f"key:{tenant}:{sha256(limit_key.encode()).hexdigest()}"


def keys_of_job(type_: str, queue: str, tenant: str, limit_key: str | None) -> tuple[str, ...]:
    """All keys that may bind a job, sorted: whoever takes several takes them in this order."""
    keys = (f"queue:{queue}", f"tenant:{tenant}", f"type:{type_}")
    return keys if limit_key is None else (hashed_key(tenant, limit_key), *keys)


def shown_key(key: str) -> str:
    """The key as logs and histories show it: of a hash its first characters."""
    return f"{key[:-64]}{key[-64:][:SHOWN_HASH]}" if key.startswith("key:") else key


def named_key(key: str, limit_key: str | None) -> str:
    """The key as people name it, where the `limit_key` behind its hash is known; else as `shown_key` has it."""
    if limit_key is None or not key.startswith("key:") or hashed_key(tenant_of_key(key) or "", limit_key) != key:
        return shown_key(key)
    return f"key:{limit_key}"


def tenant_of_key(key: str) -> str | None:
    """Whose `limit_key` a key stands for; None where it is for something else."""
    found = _hashed_parts(key)
    return None if found is None else found[1]


def pattern_fault(pattern: str) -> str | None:
    """What is wrong with the name of a limit in a file; None where nothing is."""
    kind, colon, name = pattern.partition(":")
    if kind not in KINDS or not colon or not name:
        return HOW_TO_NAME
    if kind == "key" and name != EVERY:
        return 'one key is limited while the fleet runs ("cqworker limits set"); a file has "key:*" for each by itself'
    if kind == "tenant" and name != EVERY and (fault := tenant_fault(name)) is not None:
        return f"no tenant has this name: it {fault}"
    return f'"{pattern}" means nothing; {HOW_TO_NAME}' if name == EVERY and kind not in ("tenant", "key") else None


def order_fault(order: LimitOrder, now: int) -> str | None:
    """What is wrong with what an operator says of a key at `now` (epoch ms), in a sentence; None where nothing is."""
    if order.concurrency is None and order.rate is None:
        return 'This limits nothing: give it a concurrency, a rate such as "100/s", or both.'
    if order.burst is not None and order.rate is None:
        return "A burst without a rate says nothing: it is how many may start at once under a rate."
    if order.until is not None and order.until <= now:
        return f"{rfc3339(order.until)} is past: give an end that is still to come."
    if order.concurrency != 0:
        return None
    latest = rfc3339(now + MAX_PAUSED * 1000)
    if order.until is None:
        return f"A pause needs an end, for one that nobody lifts is an outage: give one until {latest} at most."
    if order.until > now + MAX_PAUSED * 1000:
        return (
            f"{rfc3339(order.until)} is more than 24 hours ahead. A pause that nobody lifts is an outage: give an end "
            f"until {latest}, and pause again if need be; a limit of 0 in the configuration may last 14 days."
        )
    return None


class LimitTable:
    """Which limits bind which job: what the files say, and what operators said since."""

    __slots__ = ("_orders", "_written", "has_keys")

    def __init__(self, written: Mapping[str, Limit], orders: Mapping[str, LimitOrder] | None = None) -> None:
        self._written = written
        self._orders = orders or {}
        self.has_keys: bool = any(name.startswith("key:") for name in (*self._written, *self._orders))

    def __bool__(self) -> bool:
        """Whether any job can be bound at all."""
        return bool(self._written or self._orders)

    def limit_of(self, key: str, now: int) -> Limit | None:
        """The limit of one key at `now` (epoch ms), or None where it is not limited."""
        written = self._written.get(key) or self._written.get(f"{key.partition(':')[0]}:{EVERY}")
        if written is not None and not written.is_in_force(now):
            written = None
        order = self._orders.get(key)
        return order.over(written) if order is not None and order.is_in_force(now) else written

    def limits_of(self, keys: tuple[str, ...], now: int) -> tuple[tuple[str, Limit], ...]:
        """Those of these keys that are limited at `now` (epoch ms), in their order."""
        found = ((key, self.limit_of(key, now)) for key in keys)
        return tuple((key, limit) for key, limit in found if limit is not None)
