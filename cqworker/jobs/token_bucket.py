"""The rate limits of submissions: a token bucket for each token and tenant, filled by the clock."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cqworker.clock import Clock
from cqworker.errors import MessageTooLarge, RateLimited
from cqworker.events import Emit
from cqworker.events.limit_events import LimitedBy, SubmissionsLimited
from cqworker.model.job_limits import MAX_BATCH
from cqworker.settings import HttpSettings

ROUNDING = 1e-6
"""Seconds below which a wait is none: the rounding of doubles."""
SWEEP_SIZE = 1000
"""Buckets that are kept before the full ones, which are as good as new, are dropped."""


class Rate(NamedTuple):
    """What flows into a bucket a second, and how much it holds."""

    per_second: float
    burst: int


Bucket = tuple[LimitedBy, str]
Rates = Mapping[Bucket, Rate]


def rates_from(http: HttpSettings, local_token: str, local_tenant: str) -> Rates:
    """The rates of every token and tenant that has one; the local ones are of callers without a token."""
    general, rates = http.rates, dict[Bucket, Rate | None]()
    rates["token", local_token] = _rate_of(general.token_rate, general.token_burst)
    for token in http.tokens:
        rates["token", token.name] = _rate_of(token.rate or general.token_rate, token.burst or general.token_burst)
    for tenant in {local_tenant, *(token.own_tenant for token in http.tokens)}:
        own = general.tenants.get(tenant)
        rate, burst = (own.rate, own.burst) if own is not None else (None, None)
        rates["tenant", tenant] = _rate_of(rate or general.tenant_rate, burst or general.tenant_burst)
        rates["schedule", tenant] = _rate_of(general.schedule_rate, general.schedule_burst)
    return {bucket: rate for bucket, rate in rates.items() if rate is not None}


def _rate_of(per_second: float | None, burst: int | None) -> Rate | None:
    """Without a configured burst a whole batch fits, and a second's worth of submissions."""
    if per_second is None:
        return None
    return Rate(per_second, burst or max(MAX_BATCH, math.ceil(per_second)))


class TokenBuckets:
    """Any number of buckets. What is known of one is when it will be full: nothing, once it is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._full_at: dict[Bucket, float] = {}
        self._sweep_at = SWEEP_SIZE

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, rates: Rates, number: int) -> bool:
        """Takes so many out of each of these buckets; False, and nothing out of any, where one holds too little."""
        _, seconds = self.wait(rates, number)
        if seconds > 0:
            return False
        now = self._clock.monotonic()
        for bucket, rate in rates.items():
            self._full_at[bucket] = self._full_at_of(bucket, now) + number / rate.per_second
        if len(self._full_at) > self._sweep_at:
            self._full_at = {bucket: at for bucket, at in self._full_at.items() if at > now}
            self._sweep_at = max(SWEEP_SIZE, 2 * len(self._full_at))
        return True

    def wait(self, rates: Rates, number: int) -> tuple[Bucket, float]:
        """The bucket that is the last to hold so many, and the seconds until it does; `number` is no more than any can.

        It holds what it had not, once it is full but for the rest: so far ahead may the time lie at which it is full.
        """
        now = self._clock.monotonic()
        waits = {
            bucket: self._full_at_of(bucket, now) - now - (rate.burst - number) / rate.per_second
            for bucket, rate in rates.items()
        }
        last = max(waits, key=waits.__getitem__)
        return last, waits[last] if waits[last] > ROUNDING else 0.0

    def _full_at_of(self, bucket: Bucket, now: float) -> float:
        return max(now, self._full_at.get(bucket, now))


class SubmissionRates:
    """Whether a token and its tenant may submit now; without a configured rate they always may."""

    def __init__(self, rates: Rates, clock: Clock, emit: Emit) -> None:
        self._rates = rates
        self._buckets = TokenBuckets(clock)
        self._emit = emit

    def admit(self, token: str, tenant: str, number: int = 1, *, of: int | None = None) -> None:
        """Counts so many submissions, of a request that has `of` them in all where some were counted before.

        Raises RateLimited, which says when the whole request can be sent again, and MessageTooLarge where it never can.
        """
        self._admit((("token", token), ("tenant", tenant)), number, of)

    def admit_later(self, tenant: str, number: int) -> None:
        """Counts so many submissions of one request for later than in 15 minutes; raises as `admit` does."""
        self._admit((("schedule", tenant),), number, None)

    def _admit(self, holders: Sequence[Bucket], number: int, of: int | None) -> None:
        rates = {holder: self._rates[holder] for holder in holders if holder in self._rates}
        if not rates or number < 1:
            return
        total = of or number
        for holder, rate in rates.items():
            if total > rate.burst:
                raise MessageTooLarge(
                    f"{_holder_words(holder)} may submit {rate.burst} jobs at once{_kind_words(holder)}, "
                    f"and these are {total}."
                )
        if not self._buckets.take(rates, number):
            (limit, name), seconds = self._buckets.wait(rates, total)
            self._emit(SubmissionsLimited(limit=limit, name=name, count=total))
            rate = rates[limit, name]
            wait = max(1, math.ceil(seconds))
            raise RateLimited(
                f"{_holder_words((limit, name))} may submit {rate.per_second:g} jobs a second, {rate.burst} at once"
                f"{_kind_words((limit, name))}. Nothing was accepted: send it again in {wait} s.",
                retry_after=wait,
            )


def _holder_words(holder: Bucket) -> str:
    return f'The {"tenant" if holder[0] == "schedule" else holder[0]} "{holder[1]}"'


def _kind_words(holder: Bucket) -> str:
    return " for later than in 15 minutes" if holder[0] == "schedule" else ""
