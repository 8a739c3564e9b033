"""Whatever strangers send, the loop on which leases and health live is free again within milliseconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from random import Random

import orjson
import pytest
import pytest_asyncio

from cqworker.daemon.gc_tuning import collect_rarely
from cqworker.jobs.submission import Submission
from cqworker.plugins.handler import handler
from cqworker.plugins.payload import LIGHT_BYTES
from cqworker.plugins.registry import registry_of
from cqworker.web import parse_offload
from cqworker.web.parse_offload import PARSE_OFFLOAD
from tests.stopwatch import Stopwatch
from tests.web.handlers import Strict, anything, choosy, endless, strict, transform
from tests.web.house import House, open_house, until

LONGEST = 0.05
"""Seconds of processor time for one callback on the loop: many times what they take, and a part of what they took."""
TRIES = 3
"""How often a body has to hold the loop up before it is blamed: a busy machine only adds to what a callback takes."""
ROOM = 400_000
"""Bytes of a payload."""


KNOWN = registry_of(strict=strict, choosy=choosy, anything=anything, **{"text.transform": transform})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def known() -> AsyncIterator[House]:
    """A desk that knows them, for all who need no other: its process is started once."""
    async with open_house(registry=KNOWN) as house:
        yield house


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Seconds of processor time of every callback that the loop has run; garbage is collected as in a daemon."""
    seconds = [0.0]
    run = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        seconds.append(time.thread_time() - began)

    monkeypatch.setattr(asyncio.Handle, "_run", timed)
    with collect_rarely():
        yield seconds


def a_list_of(unit: str) -> str:
    return f"[{','.join([unit] * (ROOM // (len(unit) + 1)))}]"


def a_table_of(value: str, count: int = 40_000) -> str:
    return "{" + ",".join(f'"{number:x}":{value}' for number in range(count)) + "}"


def job(kind: str, payload: str) -> bytes:
    return f'{{"type":"{kind}","payload":{payload}}}'.encode()


def misspelt(jobs: int, fields: int) -> bytes:
    """Jobs, none of whose fields is one."""
    random = Random(1)

    def name() -> str:
        place = random.randrange(15)
        return "idempotency_key"[:place] + random.choice("qxzjw") + "idempotency_key"[place:] + random.choice("qxzjw")

    asked = [{f"{name()}{number:02}": 0 for number in range(fields)} for _ in range(jobs)]
    return orjson.dumps({"jobs": asked})


def hostile() -> dict[str, tuple[str, bytes, set[int]]]:
    return {
        "wrong values": ("/jobs", job("choosy", a_list_of('""')), {413, 422}),
        "wrong objects": ("/jobs", job("text.transform", a_list_of("{}")), {422}),
        "unknown fields of a payload": ("/jobs", job("strict", a_table_of("0")), {422}),
        "unknown fields of a job": ("/jobs", a_table_of("0").encode(), {422}),
        "a name as long as the body": ("/jobs", b'{"' + b"k" * ROOM + b'":0}', {422}),
        "metadata": ("/jobs", b'{"type":"anything","payload":1,"metadata":' + a_table_of("0").encode() + b"}", {422}),
        "depth and width": ("/jobs", job("anything", a_list_of("[" * 29 + "]" * 29)), {202, 413}),
        "empty lists": ("/jobs", job("anything", a_list_of("[]")), {202}),
        "escapes": ("/jobs", job("anything", a_list_of('"\\u00e9"')), {202}),
        "quotes": ("/jobs", job("anything", '"' + '\\"' * (ROOM // 2) + '"'), {202}),
        "a type in other letters": ("/jobs", job("str\\u0069ct", a_table_of("0")), {422}),
        "digits": ("/jobs", job("anything", "1" * ROOM), {400}),
        "digits behind a point": ("/jobs", job("anything", "0." + "1" * ROOM), {202}),
        "an exponent": ("/jobs", job("anything", "1e" + "9" * ROOM), {400}),
        "brackets without end": ("/jobs", b"[" * ROOM, {400}),
        "a key twice": ("/jobs", a_table_of("0").encode()[:-1] + b',"0":1}', {400}),
        "misspelt fields in a batch": ("/jobs/batch", misspelt(500, 20), {200}),
        "wrong payloads in a batch": (
            "/jobs/batch",
            b'{"jobs":[' + b",".join([job("strict", a_table_of("0", 150))] * 500) + b"]}",
            {200},
        ),
        "no jobs at all in a batch": ("/jobs/batch", f'{{"jobs":{a_list_of("0")}}}'.encode(), {422}),
        "large payloads in a batch": (
            "/jobs/batch",
            b'{"jobs":[' + b",".join([job("anything", f"[{','.join(['[]'] * 600)}]")] * 500) + b"]}",
            {200},
        ),
    }


async def longest(taken: list[float], house: House, name: str, asked: tuple[str, bytes, set[int]]) -> float:
    """Seconds that this body keeps the loop for, in that of some tries which was shortest."""
    path, body, told = asked
    tries = list[float]()
    while len(tries) < TRIES and min(tries, default=LONGEST) >= LONGEST:
        headers = {"Idempotency-Key": f"{name} {len(tries)}"} if path == "/jobs" else {}
        await asyncio.sleep(0)  # what this callback has done so far is the test's own
        taken[:] = [0.0]
        status, answer = await house.post(path, data=BytesIO(body), headers=headers)
        assert status in told, (name, status, answer)
        tries.append(max(taken))
    return min(tries)


@pytest.mark.processes
async def test_no_body_holds_the_loop_up(taken: list[float]) -> None:
    bodies = hostile()
    async with open_house(registry=KNOWN) as house:
        await house.post("/jobs", json={})  # the first answer has the description written that answers are held to
        held = {name: await longest(taken, house, name, asked) for name, asked in bodies.items()}
        assert {name: seconds for name, seconds in held.items() if seconds >= LONGEST} == {}


@pytest.mark.processes
async def test_a_body_that_is_read_on_the_loop_is_seen_to_hold_it_up(
    taken: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parse_offload, "is_light", lambda _: True)
    name, asked = "wrong values", hostile()["wrong values"]
    async with open_house(registry=KNOWN) as house:
        await house.post("/jobs", json={})
        assert await longest(taken, house, name, asked) >= LONGEST


async def test_a_retry_has_a_body_of_one_number(house: House) -> None:
    status, problem = await house.post("/jobs/x/retry", data=BytesIO(a_table_of("0").encode()))
    assert (status, problem["type"]) == (413, "urn:cqworker:problem:too-large")


@pytest.mark.asyncio(loop_scope="module")
async def test_health_is_told_while_many_batches_are_full_of_faults(known: House) -> None:
    body = misspelt(500, 20)
    await known.post("/jobs/batch", data=BytesIO(body))
    batches = [asyncio.ensure_future(known.post("/jobs/batch", data=BytesIO(body))) for _ in range(6)]
    probes = 0
    while not all(batch.done() for batch in batches):
        assert (await known.get("/healthz"))[0] == 200
        probes += 1
    assert {status for status, _ in await asyncio.gather(*batches)} == {200}
    assert probes > 6, "a probe is answered between any two batches"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_batch_full_of_faults_costs_this_process_little(known: House) -> None:
    body = misspelt(500, 20)
    await known.post("/jobs/batch", data=BytesIO(body))
    costs = list[float]()
    while len(costs) < TRIES and min(costs, default=0.125) >= 0.125:
        before = time.process_time()
        await known.post("/jobs/batch", data=BytesIO(body))
        costs.append(time.process_time() - before)
    assert min(costs) < 0.125, "it took 0.7 s"


async def test_a_body_full_of_faults_is_told_the_first_of_them_and_one_suggestion(house: House) -> None:
    status, problem = await house.post("/jobs", data=BytesIO(a_table_of("0", 200).encode()))
    assert (status, len(problem["errors"])) == (422, 20)
    assert "more)" in problem["detail"]
    status, problem = await house.post("/jobs", json={"type": "x", "payload": 1, "tag": 1, "delay": 2, "metadat": 3})
    assert [" did you mean " in error["detail"] for error in problem["errors"]] == [True, False, False]


@pytest.mark.asyncio(loop_scope="module")
async def test_each_job_of_a_batch_is_told_a_fault_and_the_first_ones_all(known: House) -> None:
    _, answer = await known.post("/jobs/batch", data=misspelt(500, 20))
    told = [len(entry["problem"]["errors"]) for entry in answer["jobs"]]
    assert told == [20] * 10 + [1] * 490
    assert "(and 21 more)" in answer["jobs"][499]["problem"]["detail"], "of its 20 fields, and the two that it lacks"


async def test_what_takes_too_long_to_read_is_refused_and_others_are_read_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parse_offload, "CPU_TIME", 0.1)
    registry = registry_of(endless=endless, **{"text.transform": transform})
    async with open_house(registry=registry) as house:
        long = "x" * LIGHT_BYTES
        status, problem = await house.post("/jobs", data=job("endless", f'{{"text":"{long}"}}'))
        assert (status, problem["type"]) == (413, "urn:cqworker:problem:too-large")
        assert "Send smaller parts" in problem["detail"]
        status, _ = await house.post("/jobs", data=job("text.transform", f'{{"text":"{long}"}}'))
        assert status == 202


@pytest.mark.asyncio(loop_scope="module")
async def test_a_long_payload_is_held_against_its_model_and_its_key_is_the_same_as_everywhere(known: House) -> None:
    texts = {"text": "x" * LIGHT_BYTES}
    first = await known.submit({"type": "strict", "payload": texts}, Idempotency_Key="k")
    direct = Submission(type="strict", payload=orjson.dumps(texts).decode(), idempotency_key="k")
    again = await known.context.submitter.submit(direct)  # type: ignore[union-attr]
    assert (again.replayed, again.record.job_id) == (True, first["job_id"])
    status, problem = await known.post("/jobs", json={"type": "strict", "payload": texts | {"more": 1}})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/payload/more")
    status, problem = await known.post("/jobs", json={"type": "nobody's", "payload": texts})
    assert (status, problem["type"]) == (422, "urn:cqworker:problem:unknown-type")


async def test_a_type_that_only_this_process_knows_is_checked_here() -> None:
    @handler
    async def local(payload: Strict) -> None:
        """No other process can import it."""

    async with open_house(registry=registry_of(local=local)) as house:
        status, problem = await house.post("/jobs", data=job("local", f'{{"tex":"{"x" * LIGHT_BYTES}"}}'))
        assert (status, problem["errors"][0]["pointer"]) == (422, "/payload/text")


async def test_no_process_is_left_when_the_desk_closes() -> None:
    async with open_house(registry=KNOWN) as house:
        await house.post("/jobs", data=job("strict", f'{{"text":"{"x" * LIGHT_BYTES}"}}'))
        children = house.server._app[PARSE_OFFLOAD]._children
        assert children.count == 1
    assert children.count == 0


@pytest.mark.processes
async def test_a_desk_that_closes_waits_for_nobody_who_is_still_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_offload, "CPU_TIME", 600.0)
    async with open_house(registry=registry_of(endless=endless)) as house:
        children = house.server._app[PARSE_OFFLOAD]._children
        reading = asyncio.ensure_future(house.post("/jobs", data=job("endless", f'{{"text":"{"x" * LIGHT_BYTES}"}}')))
        await until(lambda: children.count)
        watch = Stopwatch()
    await asyncio.gather(reading, return_exceptions=True)
    assert children.count == 0
    assert watch.seconds < 10
