"""What a job under a limit of concurrency costs beyond an ordinary one, counted on DynamoDB Local and ElasticMQ."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from cqworker.events import JobHandedBack, ServiceCalled
from cqworker.model.record import JobRecord
from cqworker.ports.limits import Hold, Waiter
from cqworker.settings.limit_settings import LimitSettings
from tests.conftest import Tell
from tests.contract.worlds import use_environment
from tests.engines.running import Engines
from tests.figures.workshop import Spent, Workshop, workshop

pytestmark = [pytest.mark.engines, pytest.mark.timeout(240)]

JOBS = 120
KEY = "type:fine"
WRITES = ("UpdateItem", "PutItem", "DeleteItem")


@pytest.fixture(autouse=True)
def on_engines(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    use_environment(monkeypatch, engines.environment())


def has_ended(record: JobRecord) -> bool:
    return record.status.is_final


def units(calls: Iterable[ServiceCalled]) -> tuple[float, float]:
    """Write units and read units.

    A write that is refused costs its units, too (developer guide, conditional writes), but its answer does not say so:
    one each here, where items are small.
    """
    asked = [call for call in calls if call.service == "dynamodb"]
    refused = sum(call.operation in WRITES and not call.write_units for call in asked)
    spent = Spent.of(asked)
    return sum(spent.write_units.values()) + refused, sum(spent.read_units.values())


async def run(shop: Workshop, job_type: str = "fine") -> tuple[float, float, int]:
    """Write units and read units of all jobs together, and how often one was parked."""
    jobs = await shop.submit(JOBS, type=job_type)
    submitted = shop.calls()
    await shop.run_until(jobs, has_ended)
    parked = sum(isinstance(event, JobHandedBack) for event in shop.events)
    calls = [*submitted, *shop.calls()]
    writes, reads = units(calls)
    return writes, reads, parked


async def test_a_slot_costs_two_write_units_and_of_a_limit_beyond_sixteen_a_read_more(tell: Tell) -> None:
    async with workshop(limits={KEY: LimitSettings(concurrency=16)}, slots=8) as shop:
        writes, reads, parked = await run(shop)
    tell(f"a job that gets a slot of 16: {writes / JOBS:.3f} write units, {reads / JOBS:.3f} read units")
    assert parked == 0
    assert 5.0 <= writes / JOBS <= 5.14, "the key's item is made once: the first eight find none"
    assert reads == 0.0
    async with workshop(limits={KEY: LimitSettings(concurrency=80)}, slots=8) as shop:
        writes, reads, parked = await run(shop)
    tell(f"a job that gets a slot of 80: {writes / JOBS:.3f} write units, {reads / JOBS:.3f} read units")
    assert parked == 0
    assert 5.0 <= writes / JOBS <= 5.8, "the items of five shards are made once"
    assert reads / JOBS <= 2.0, "the shards are read when a slot is taken, and when it is given back"


async def test_each_park_costs_so_much_more(tell: Tell) -> None:
    async with workshop(limits={"type:linger": LimitSettings(concurrency=4)}, slots=8) as shop:
        writes, reads, parked = await run(shop, "linger")
    more, read = (writes - 5.0 * JOBS) / parked, reads / parked
    tell(f"each of {parked} times that a job was parked: {more:.2f} write units, {read:.2f} read units more")
    assert parked > JOBS / 4
    assert 5.0 <= more <= 12.0, "refused, listed, handed back, marked, taken off, claimed again; who was woken in vain"
    assert read <= 4.0


async def test_a_job_that_no_limit_binds_costs_nothing_more(tell: Tell) -> None:
    async with workshop(limits={"type:refuse": LimitSettings(concurrency=1)}, slots=8) as shop:
        writes, reads, _ = await run(shop)
    tell(f"a job that no limit binds: {writes / JOBS:.3f} write units, {reads / JOBS:.3f} read units")
    assert (writes / JOBS, reads) == (3.0, 0.0)


@pytest.mark.parametrize(("held", "most"), [(1, 1.0), (16, 1.0), (17, 1.0), (50, 3.0), (300, 16.0)])
async def test_a_slot_costs_by_how_many_its_item_keeps(tell: Tell, held: int, most: float) -> None:
    async with workshop() as shop:
        limits = shop.dependencies.limits
        holds = [Hold(KEY, 0, f"019b76da-a808-7e61-b991-{number:012}", f"awqfcOOz.{number}") for number in range(held)]
        for hold in holds:
            assert (await limits.acquire(hold, held, in_turn=False)).applied
        taken = [call.write_units for call in shop.calls()][-1]
        assert (await limits.free(holds[-1])).applied
        [given_back] = [call.write_units for call in shop.calls()]
    tell(f"the last of {held} slots in one item: {taken:.0f} write units to take it, {given_back:.0f} to give it back")
    assert taken <= most
    assert given_back <= most


async def test_a_list_that_is_counted_costs_by_its_length(tell: Tell) -> None:
    async with workshop() as shop:
        limits, now = shop.dependencies.limits, shop.dependencies.clock.now()
        for number in range(400):
            job_id, token = f"019b76da-a808-7e61-b991-{number:012}", f"awqfcOOz.{number}"
            await limits.put_waiter(KEY, Waiter(now + number, job_id, token, now, now // 1000))
        shop.calls()
        assert await limits.count_waiters(KEY, 1_000) == 400
        _, reads = units(shop.calls())
    tell(f"counting 400 who wait: {reads:.1f} read units, {400 / reads:.0f} of them each")
    assert reads <= 25
