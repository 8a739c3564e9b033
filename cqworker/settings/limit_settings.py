"""The settings of limits that hold for all workers of a fleet together."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, model_validator

from cqworker.model.limits import (
    EVERY,
    MAX_BURST,
    MAX_CONCURRENCY,
    MAX_KEPT_AT_ZERO,
    MAX_WAITING,
    USUAL_MAX_WAITING,
    Limit,
    OnFull,
    pattern_fault,
    rate_from,
)
from cqworker.model.start_times import AS_WRITTEN, epoch_ms, start_time
from cqworker.model.timestamps import rfc3339
from cqworker.settings.section import Section

MOST_LIMITS = 500
"""Limits that a file may name: each is looked for at each job that it may bind."""


def _check_rate(text: str) -> str:
    rate_from(text)
    return text


def _moment(value: object) -> object:
    """TOML's own times with an offset, and texts that say one. Raises ValueError for anything else."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    if not isinstance(value, str):
        raise ValueError(f"must be a time with its offset from UTC, such as {AS_WRITTEN}")
    start_time(value)
    return datetime.fromisoformat(value.upper())


RateText = Annotated[str, AfterValidator(_check_rate)]
"""A rate such as "100/s"."""
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
"""A time with its offset from UTC."""


class LimitSettings(Section):
    """`[limits."tenant:*"]`: what holds for all jobs of one key together, on all workers."""

    concurrency: int | None = Field(
        None,
        ge=0,
        le=MAX_CONCURRENCY,
        description="Jobs that run at once on all workers together; 0: none, until `until`. Not set: as many as there "
        "are slots.",
    )
    rate: RateText | None = Field(
        None,
        description='Starts in a time, on average: "100/s", "30/m", "500/h" or "1/d", at most 10,000 a second. Not '
        "set: as often as you like.",
    )
    burst: int | None = Field(
        None,
        ge=1,
        le=MAX_BURST,
        description="Starts at once after as long a pause; not set: what the rate gives in a second, at least one.",
    )
    on_full: OnFull = Field(
        OnFull.WAIT,
        description="wait: a job that may not start now starts later. drop: it is CANCELLED.",
    )
    max_waiting: int = Field(
        USUAL_MAX_WAITING,
        ge=1,
        le=MAX_WAITING,
        description="Jobs that may wait for a slot. While as many do, submissions are refused (429), and what is in "
        "the queue asks again every half minute.",
    )
    until: Moment | None = Field(
        None,
        description="When the limit ends by itself, with its offset from UTC; a concurrency of 0 needs it, 14 days "
        "ahead at most. Not set: it stays.",
    )

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        if self.concurrency is None and self.rate is None:
            raise ValueError('limits nothing: give it a concurrency, a rate such as "100/s", or both')
        if self.burst is not None and self.rate is None:
            raise ValueError("has a burst and no rate: a burst says how many may start at once under a rate")
        if self.concurrency == 0:
            self._check_zero()
        return self

    def _check_zero(self) -> None:
        if self.until is None:
            raise ValueError(
                f"lets nothing run, and has no end: give it until = {AS_WRITTEN}, 14 days ahead at most, or a "
                "concurrency of at least 1"
            )
        latest = datetime.fromtimestamp(time.time(), self.until.tzinfo) + timedelta(seconds=MAX_KEPT_AT_ZERO)
        if self.until > latest:
            raise ValueError(
                f"lets nothing run for longer than 14 days: end it by {rfc3339(epoch_ms(latest))}, and move its end on "
                "if need be"
            )
        if self.on_full is OnFull.DROP:
            raise ValueError(
                'lets nothing run and drops what waits: every job would be CANCELLED; use on_full = "wait"'
            )


def check_limits(limits: Mapping[str, LimitSettings], queues: frozenset[str] | None) -> None:
    """Raises ValueError where a limit has no proper name, or names a queue that is none of `queues`."""
    if len(limits) > MOST_LIMITS:
        raise ValueError(f"{len(limits)} limits are named, {MOST_LIMITS} at most; tenant:* and key:* hold for each one")
    for pattern in limits:
        if (fault := pattern_fault(pattern)) is not None:
            raise ValueError(f'"{pattern}" names no limit: {fault}')
        kind, _, name = pattern.partition(":")
        if kind == "queue" and name != EVERY and queues is not None and name not in queues:
            raise ValueError(f'the queue "{name}" of {pattern} is not configured; there is {", ".join(sorted(queues))}')


def limits_of(settings: Mapping[str, LimitSettings]) -> dict[str, Limit]:
    """The limits by the names that the files give them."""
    return {
        pattern: Limit(
            concurrency=section.concurrency,
            rate=None if section.rate is None else rate_from(section.rate),
            burst=section.burst,
            on_full=section.on_full,
            max_waiting=section.max_waiting,
            until=None if section.until is None else epoch_ms(section.until),
        )
        for pattern, section in settings.items()
    }
