"""Two tenants at every address that there is: nothing that one sees, asks or guesses tells of the other's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import product
from typing import Any

import orjson
import pytest
from aiohttp import FormData

from cqworker.enums import SCOPES
from cqworker.errors import ArtifactMissing, SourceRefused
from cqworker.events import JobSettled
from cqworker.flow.job_ref import job_ref_of
from cqworker.model.listing import Listing
from cqworker.model.status import FailureKind, Status
from cqworker.plugins.job import PlainJob
from cqworker.plugins.job_artifacts import JobArtifacts
from cqworker.ports import StoredObject
from cqworker.web.application import VERSIONED
from cqworker.web.route_definition import Route
from cqworker.web.routes import ROUTES
from tests.web.house import TEXT, House, bearer, open_house, token

MARK = "0nly-anns"
"""Stands in everything that is ann's and in nothing else."""
TENANTS = ("acme-0nly-anns", "bobs")
TOKENS = [token("ann", *SCOPES, tenant=TENANTS[0]), token("bob", *SCOPES, tenant=TENANTS[1])]
KEY = "one-key-for-both"
CHANGING = re.compile(
    rb'"(uptime_seconds|at|created_at|updated_at|started_at|looked_back_to|counted_back_to|as_of)":("[^"]*"|[0-9.]+)|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}'
)
"""Times, and ids that are made anew."""
UNLIKE = frozenset({"Date", "Content-Length"})


@dataclass(frozen=True)
class Things:
    """What one may ask after: jobs, an upload, an artifact's name, sources that a payload may name."""

    jobs: tuple[str, ...]
    upload: str
    name: str
    sources: tuple[str, ...]
    key: str
    operations: tuple[str, ...]

    def __iter__(self) -> Iterator[str]:
        return iter((*self.jobs, *self.operations, self.upload, self.name, *self.sources))


GHOSTS = Things(
    jobs=("01a2059b-5a41-77d5-a090-f9b2886de7e0", "01a2059b-5a41-77d5-a090-f9b2886de7e1"),
    upload="0123456789abcdef0123456789abcdef",
    name="ghost.csv",
    sources=(
        "artifact:0123456789abcdef0123456789abcdef",
        "s3://artifacts/cq/01a2059b-5a41-77d5-a090-f9b2886de7e0/1-1.png",
    ),
    key="nobodys-key",
    operations=("01a2059b-5a41-77d5-a090-f9b2886de7e2",),
)
"""Such as nobody has."""


async def anns_things(house: House) -> Things:
    """A failed job, a succeeded one with two artifacts, and an upload; what is known of them is told to observers."""
    asked = {"type": "text.transform", "payload": {"text": MARK}, "metadata": {"note": MARK}, "tags": [MARK]}
    views = [
        (await house.post("/jobs", json=asked, headers=bearer("ann") | {"Idempotency-Key": key}))[1]
        for key in (KEY, "k")
    ]
    failed, done = [view["job_id"] for view in views]
    listing = Listing(kind="rejected", fingerprint="0a1b2c3d", worker=MARK, release=MARK)
    record = house.rewrite(failed, Status.FAILED, attempt=1, finished_at=house.context.clock.now(), listing=listing)
    house.context.emit(
        JobSettled(job=job_ref_of(record), status=Status.FAILED, seconds=1.0, kind=FailureKind.REJECTED, message=MARK)
    )
    output = house.artifacts.reference(f"{done}/1-1.png")
    result = orjson.dumps({"output": output, "note": MARK}).decode()
    house.rewrite(done, Status.SUCCEEDED, attempt=1, result=result)
    for reference in (output, house.artifacts.reference(f"{done}/1-1/report.csv")):
        house.artifacts.objects[reference] = StoredObject(MARK.encode(), "text/csv")
    _, made = await house.post("/artifacts", data=MARK.encode(), headers=bearer("ann"))
    wish = {"act": "retry", "filter": {"worker": MARK}, "reason": MARK}
    _, operation = await house.post("/operations", json=wish, headers=bearer("ann"))
    asked_for = (operation["operation_id"],)
    return Things((failed, done), made["artifact_id"], "report.csv", (made["source"], output), KEY, asked_for)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(tokens=TOKENS, observed=True) as opened:
        yield opened


COUNTED = ("status=FAILED", f"status=FAILED&worker={MARK}", "status=FAILED&fingerprint=0a1b2c3d")
LISTS = {"listJobs": (*COUNTED, "limit=1", f"tag={MARK}", "type=text.transform"), "countJobs": COUNTED}
"""What lists and counts are asked for: anybody may choose any filter."""


def bodies(row: Route, things: Things) -> list[dict[str, Any]]:
    """What is sent, by the call's name: one that is new here is told by a KeyError, and then its words are added."""
    if row.method == "GET":
        return [{}]
    asked = [TEXT | {"payload": {"text": source}} for source in things.sources]
    sent: dict[str, list[dict[str, Any]]] = {
        "submitJob": [{"json": one, "headers": {"Idempotency-Key": things.key}} for one in asked]
        + [{"json": asked[0]}],
        "submitJobs": [{"json": {"jobs": [one | {"idempotency_key": things.key} for one in asked]}}],
        "retryJob": [{"json": {}}, {"json": {"round": 1}}, {"json": {"round": 7}}, {}],
        "cancelJob": [{}],
        **{key: [{}] for key in ("quietWorker", "resumeWorker", "drainWorker")},
        **{key: [{"json": {"for": 60}}, {"json": {}}, {}] for key in ("pauseQueue", "drainQueue", "resumeQueue")},
        "reprioritiseJob": [{"json": {"priority": "high"}}, {"json": {"priority": 0, "reason": "x"}}],
        **{key: [{"json": {"for": 60}}, {"json": {}}, {}] for key in ("pauseLimit", "resumeLimit")},
        "setLimit": [{"json": {"concurrency": 1}}, {}],
        "rescheduleJob": [{"json": {"delay_seconds": 3600}}, {"json": {"delay_seconds": 0, "reason": "x"}}, {}],
        "runJobNow": [{}],
        "startOperation": [
            *({"json": {"act": act, "job_ids": list(things.jobs), "dry_run": True}} for act in ("retry", "cancel")),
            {"json": {"act": "retry", "job_ids": list(things.jobs)}},
            {"json": {"act": "retry", "filter": {"worker": MARK}, "dry_run": True}},
            {"json": {"act": "retry", "filter": {"tenant": "another"}}},
        ],
        "cancelOperation": [{}],
        "uploadArtifact": [{"data": b"bob's"}, {"data": FormData({"file": BytesIO(b"x")})}],
    }
    return sent[row.name]


def addresses(row: Route, things: Things) -> list[str]:
    """Every way to fill the address in; a parameter that is new here is told by a KeyError."""
    known = {"job_id": things.jobs, "artifact_id": (things.upload,), "name": (things.name, "1-1.png"),
             "wait": ("0", "0.2"), "worker": ("host.abcdef:7",), "queue": ("main", "more"), "days": ("1",),
             "operation_id": things.operations, "limit": ("1", "50"), "cursor": things.operations,
             "key": (f"tenant:{TENANTS[0]}", "type:text.transform", "key:inbox-7"), "tenant": TENANTS}  # fmt: skip
    if row.name in LISTS:
        return [f"{row.path}?{query}" for query in LISTS[row.name]]
    said = [parameter for parameter in row.parameters if parameter.place != "header"]
    filled = []
    for values in product(*(known[parameter.name] for parameter in said)):
        path, query = row.path, []
        for parameter, value in zip(said, values, strict=True):
            path = path.replace(f"{{{parameter.name}}}", value)
            query += [f"{parameter.name}={value}"] if parameter.place == "query" else []
        filled.append(path + ("?" + "&".join(query) if query else ""))
    return filled


async def answers(house: House, row: Route, things: Things) -> list[tuple[int, dict[str, str], bytes]]:
    """What bob is answered, with what is his own guess, a time or a new id left out of it."""
    seen = []
    prefixes = ("",) if row.is_vital else ("", VERSIONED)
    methods = ("GET", "HEAD") if row.method == "GET" else (row.method,)
    for prefix, method, path, sent in product(prefixes, methods, addresses(row, things), bodies(row, things)):
        headers = bearer("bob") | sent.get("headers", {})
        async with house.client.request(method, prefix + path, **(sent | {"headers": headers})) as answer:
            body = await answer.read()
            said = {name: value for name, value in answer.headers.items() if name not in UNLIKE}
        assert MARK.encode() not in body, (path, body)
        assert not [value for value in said.values() if MARK in value], (path, said)
        guessed = sorted(things, key=len, reverse=True)
        for guess in guessed:
            body = body.replace(guess.encode(), b"GUESS")
            said = {name: value.replace(guess, "GUESS") for name, value in said.items()}
        said = {name: CHANGING.sub(b"NEW", value.encode()).decode() for name, value in said.items()}
        seen.append((answer.status, said, CHANGING.sub(b"NEW", body)))
    return seen


def belongings(house: House) -> dict[str, Any]:
    """Everything of ann's: her records, her objects, her messages, and what was told of her jobs."""
    return {
        "records": {key: record for key, record in house.store.records.items() if record.tenant == TENANTS[0]},
        "objects": {key: thing for key, thing in house.artifacts.objects.items() if MARK.encode() in thing.data},
        "messages": [body for body in house.queue.bodies if TENANTS[0] in body],
        "events": [event for event in house.events if TENANTS[0] in repr(event)],
    }


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: row.name)
async def test_nothing_here_tells_of_another_tenant_or_touches_what_is_theirs(house: House, row: Route) -> None:
    """What is another tenant's looks, to the byte, like what nobody has."""
    before = await answers(house, row, GHOSTS) if row.method == "GET" else []
    anns = await anns_things(house)
    belonged = belongings(house)
    of_anns, of_nobodys = await answers(house, row, anns), await answers(house, row, GHOSTS)
    if row.name == "showMetrics":
        return  # numbers of the whole worker, by type and queue, and no word of anybody's (MARK)
    assert [status for status, _, _ in of_anns] == [status for status, _, _ in of_nobodys]
    assert of_anns == of_nobodys
    assert not before or of_anns == before
    assert belongings(house) == belonged


async def test_no_address_is_served_that_is_not_in_the_table(house: House) -> None:
    served = {resource.canonical for resource in house.server._app.router.resources()}
    in_the_table = {call.path for call in ROUTES} | {VERSIONED}
    in_the_table |= {VERSIONED + call.path for call in ROUTES if not call.is_vital}
    assert served == in_the_table


async def test_the_owner_sees_all_of_it(house: House) -> None:
    """Else nothing would be proved by what the other one does not see."""
    anns = await anns_things(house)
    seen = b""
    for row in ROUTES:
        for path in addresses(row, anns) if row.method == "GET" and row.tag != "fleet" else ():
            async with house.client.get(path, headers=bearer("ann")) as answer:
                assert answer.status in (200, 404)
                seen += await answer.read()
    assert seen.count(MARK.encode()) > 10
    _, status = await house.get("/status", headers=bearer("ann"))
    assert [failure["job_id"] for failure in status["counts"]["last_failures"]] == [anns.jobs[0]]
    assert status["counts"]["jobs"]["failed"] == 1


@pytest.mark.parametrize("row", [row for row in ROUTES if row.tag == "fleet"], ids=lambda row: row.name)
async def test_the_fleet_is_for_operators_of_all_tenants(house: House, row: Route) -> None:
    path = row.path.replace("{worker}", "w1").replace("{queue}", "main")
    async with house.client.request(row.method, path, headers=bearer("ann")) as answer:
        problem = await answer.json(content_type=None)
    assert (answer.status, problem["type"]) == (403, "urn:cqworker:problem:forbidden")
    assert 'tenant = "*"' in problem["detail"]


async def test_a_repeated_key_of_another_tenant_replays_nothing(house: House) -> None:
    anns = await anns_things(house)
    status, job = await house.post("/jobs", json=TEXT, headers=bearer("bob") | {"Idempotency-Key": KEY})
    assert (status, job["tenant"]) == (202, TENANTS[1])
    assert job["job_id"] not in anns.jobs


async def test_a_job_that_names_another_tenants_things_reads_what_nobody_has(house: House) -> None:
    async def tenant_of(job_id: str) -> str | None:
        record = house.store.records.get(job_id)
        return record.tenant if record else None

    anns = await anns_things(house)
    deadline = house.context.clock.now()
    told: dict[bool, list[str]] = {True: [], False: []}
    for things in (anns, GHOSTS):
        for source in things.sources:
            facts = PlainJob(id="bobs-job", type="t", attempt=1, max_attempts=1, deadline=deadline, tenant=TENANTS[1])  # type: ignore[arg-type]
            lent = JobArtifacts(
                house.artifacts, facts, sources=(), tenant_of=tenant_of, loop=asyncio.get_running_loop()
            )
            with pytest.raises((SourceRefused, ArtifactMissing)) as caught:
                await lent.read(source)
            told[things is anns].append(re.sub(r"[0-9a-f-]{32,36}", "…", str(caught.value)))
    assert told[True] == told[False]


async def test_what_a_worker_says_of_itself_is_told_to_each_tenant_alike(house: House) -> None:
    await anns_things(house)
    said = []
    for who in ("ann", "bob"):
        _, status = await house.get("/status", headers=bearer(who))
        said.append({name: value for name, value in status.items() if name != "counts"})
    assert said[0] == said[1]
