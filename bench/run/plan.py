"""How much is run: enough to believe it, or enough to see that it works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Jobs and seconds of every scenario; a scenario with nothing to do is left out."""

    noops: int
    noop_concurrencies: tuple[int, ...]
    naps: int
    nap_concurrencies: tuple[int, ...]
    slow_noops: int
    celery_noops: int
    submissions: int
    latencies: int
    idle_seconds: float
    sleepers: int
    long: int
    two: int
    repeats: int


FULL = Plan(
    noops=8_000,
    noop_concurrencies=(32, 100, 500),
    naps=2_000,
    nap_concurrencies=(32, 100, 500),
    slow_noops=5_000,
    celery_noops=2_000,
    submissions=3_000,
    latencies=200,
    idle_seconds=60.0,
    sleepers=5_000,
    long=100_000,
    two=20_000,
    repeats=3,
)
QUICK = Plan(
    noops=3_000,
    noop_concurrencies=(100,),
    naps=500,
    nap_concurrencies=(100,),
    slow_noops=1_000,
    celery_noops=500,
    submissions=500,
    latencies=40,
    idle_seconds=10.0,
    sleepers=500,
    long=0,
    two=0,
    repeats=1,
)
