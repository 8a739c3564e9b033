"""What a daemon asks of DynamoDB that has nothing to do: one alone, and one of fifty."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from cqworker.aws.dynamodb.due_index import LEASE_PREFIX, LEASES
from cqworker.model.record import SHARDS
from tests.conftest import Tell
from tests.engines.running import Engines
from tests.processes.conftest import Start
from tests.processes.daemon import Daemon, until
from tests.processes.site import Site

pytestmark = [pytest.mark.engines, pytest.mark.timeout(240)]

SETTLED = 10.0
"""Seconds after the start that are not counted: everything is asked for the first time then."""
AFTER_A_SWEEP = 5.0
"""Seconds from the beginning of a sweep to that of the count: what is counted are whole sweeps and no part of one."""
MINUTES = 2.0
"""Four sweeps, and two renewals of each lease."""
MONTH = 30.44 * 1440
"""Minutes."""
WRITE_UNIT, READ_UNIT = 0.625e-6, 0.125e-6
"""USD, on demand in us-east-1 (docs/performance.md)."""
LEAST_READ = 0.5
"""Read units of a request that is not consistent and finds next to nothing (developer guide, read capacity)."""
MOST_USD = 0.40
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Idle:
    """Requests and units, and the price of a month like that."""

    requests: float
    write_units: float
    read_units: float

    def of(self, minutes: float) -> Idle:
        """The same for each minute of so many."""
        return Idle(self.requests / minutes, self.write_units / minutes, self.read_units / minutes)

    def since(self, before: Idle) -> Idle:
        """What came since."""
        return Idle(
            self.requests - before.requests,
            self.write_units - before.write_units,
            self.read_units - before.read_units,
        )

    @property
    def usd(self) -> float:
        """Of a month, for one of this minute."""
        return (self.write_units * WRITE_UNIT + self.most_read_units * READ_UNIT) * MONTH

    @property
    def most_read_units(self) -> float:
        """At least half a unit for each request: DynamoDB Local counts nothing for a query that finds nothing."""
        return max(self.read_units, self.requests * LEAST_READ)

    def __str__(self) -> str:
        units = f"{self.write_units:.1f} write units, at most {self.most_read_units:.1f} read units"
        return f"{self.requests:.1f} DynamoDB requests a minute, {units}, {self.usd:.3f} USD a month"


def used(daemon: Daemon) -> Idle:
    return Idle(
        daemon.metric("cqworker_aws_calls_total", service="dynamodb"),
        daemon.metric("cqworker_dynamodb_write_units_total"),
        daemon.metric("cqworker_dynamodb_read_units_total"),
    )


def queries_of(daemon: Daemon) -> float:
    return daemon.metric("cqworker_aws_calls_total", service="dynamodb", operation="Query")


def place(engines: Engines, name: str) -> Site:
    site = Site(aws=engines.environment(), queues=[name], table=name, bucket=name, queue={})
    site.provision()
    return site


def give_leases_to_others(site: Site) -> None:
    """Each shard is swept by one of eight others, as in a fleet of fifty."""
    until_ms = int(time.time() * 1000) + HOUR_MS
    for shard in map(str, range(SHARDS)):
        lease = {"holder": {"S": f"other:{shard}"}, "until": {"N": str(until_ms)}}
        key = {"pk": {"S": LEASES}, "sk": {"S": f"{LEASE_PREFIX}{shard}"}}
        site.dynamodb.put_item(TableName=site.table, Item={**key, **lease})


@pytest.fixture(scope="module")
def idle(engines: Engines, start: Start) -> tuple[Idle, Idle]:
    """Some minutes of one alone, and of one of fifty, at the same time."""
    alone, crowd = place(engines, "idle-alone"), place(engines, "idle-crowd")
    give_leases_to_others(crowd)
    daemons = [start(site) for site in (alone, crowd)]
    for daemon in daemons:
        until(lambda daemon=daemon: daemon.get("/readyz").status == 200)  # type: ignore[misc]
    time.sleep(SETTLED)
    swept = queries_of(daemons[0])
    until(lambda: queries_of(daemons[0]) > swept)
    time.sleep(AFTER_A_SWEEP)
    before, began = [used(daemon) for daemon in daemons], time.monotonic()
    time.sleep(MINUTES * 60)
    after, minutes = [used(daemon) for daemon in daemons], (time.monotonic() - began) / 60
    first, second = (now.since(then).of(minutes) for now, then in zip(after, before, strict=True))
    return first, second


def test_one_alone_asks_at_most_thirty_times_a_minute_and_costs_at_most_forty_cents_a_month(
    idle: tuple[Idle, Idle], tell: Tell
) -> None:
    tell(f"idle, one daemon alone: {idle[0]}")
    assert 0 < idle[0].requests <= 30
    assert idle[0].usd <= MOST_USD


def test_one_of_fifty_asks_at_most_six_times_a_minute(idle: tuple[Idle, Idle], tell: Tell) -> None:
    tell(f"idle, one daemon of fifty: {idle[1]}")
    assert 0 < idle[1].requests <= 6
