"""Jobs under several rates: a narrow one that puts them off takes no moment of a wider one before its time."""

from __future__ import annotations

import asyncio
from typing import Any

from cqworker.model.envelope import read_envelope
from cqworker.model.status import Status
from tests.flow.test_start_rates import Mail, all_done, submitted
from tests.flow.world import World, story

SHARED: dict[str, Any] = {"queue:jobs": {"rate": "10/s", "burst": 1}, "tenant:*": {"rate": "1/s", "burst": 1}}


@story
async def test_a_tenant_s_own_rate_uses_up_nothing_of_the_rate_that_all_share() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits=SHARED)
    world.start("w1")
    jobs = await submitted(world, 100, tenant="acme")
    await world.until_true(lambda: sum(len(world.record(job).history) > 1 for job in jobs) >= 90)
    began = asyncio.get_running_loop().time()
    of_bob = await world.submit("mail", tenant="bob")
    assert (await world.until(of_bob)).status is Status.SUCCEEDED
    assert asyncio.get_running_loop().time() - began < 1.5
    await all_done(world, jobs)
    await world.until_empty()
    await world.stop()


@story
async def test_each_of_several_rates_is_kept_and_each_is_used_to_the_full() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits=SHARED)
    for name in ("w1", "w2"):
        world.start(name)
    jobs = [await world.submit("mail", tenant=f"t{number % 20}") for number in range(200)]
    await all_done(world, jobs)
    assert mail.most_within(5.0) <= 10 * 7 + 1
    assert max(mail.starts) - min(mail.starts) < 30
    await world.stop()


@story
async def test_the_message_says_which_rates_a_job_has_behind_it() -> None:
    world = World({"mail": Mail().handler}, limits={**SHARED, "type:mail": {"rate": "1/m", "burst": 1}})
    world.start("w1")
    await submitted(world, 2, tenant="acme")
    await asyncio.sleep(2)
    [waiting] = world.queue.bodies
    admitted = read_envelope(waiting).admitted
    assert admitted is not None
    assert admitted.up_to == "type"
    await world.stop()
