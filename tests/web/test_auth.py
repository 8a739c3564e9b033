"""Who may do what: scopes, tenants, and what is told to those without a token."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest

from cqworker.enums import Scope
from cqworker.health.service_health import Trouble
from cqworker.settings import TokenSettings
from cqworker.web.route_definition import Route
from cqworker.web.routes import ROUTES
from tests.web.house import TEXT, House, bearer, open_house, token

SCOPES: tuple[Scope, ...] = ("submit", "read", "operate")
TOKENS = (token("submitter", "submit"), token("reader", "read"), token("operator", "operate", tenant="*"))
GUARDED = [call for call in ROUTES if call.scope is not None]
OPEN = [call for call in ROUTES if call.scope is None]


@pytest.fixture
async def guarded() -> AsyncIterator[House]:
    async with open_house(tokens=TOKENS) as opened:
        yield opened


def address(path: str) -> str:
    known = {"job_id": "nobody", "artifact_id": "0" * 32, "name": "a.csv", "worker": "host.abcdef:7", "queue": "main"}
    known |= {"operation_id": "nobody", "key": "type:mail"}
    return re.sub(r"{(\w+)}", lambda found: known[found[1]], path)


async def call(house: House, method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], Any]:
    async with house.client.request(method, address(path), headers=headers) as answer:
        is_json = answer.content_type.endswith("json")
        return answer.status, dict(answer.headers), await answer.json(content_type=None) if is_json else None


@pytest.mark.parametrize("row", GUARDED, ids=lambda row: row.name)
@pytest.mark.parametrize("prefix", ["", "/api/v1"])
async def test_each_call_wants_its_scope_and_no_other(guarded: House, row: Route, prefix: str) -> None:
    path = row.path if row.is_vital else prefix + row.path
    for name, scope in zip(("submitter", "reader", "operator"), SCOPES, strict=True):
        status, headers, problem = await call(guarded, row.method, path, bearer(name))
        if scope == row.scope:
            assert status not in (401, 403, 500)
            continue
        assert (status, problem["type"]) == (403, "urn:cqworker:problem:forbidden")
        assert headers["WWW-Authenticate"].endswith(f'error="insufficient_scope", scope="{row.scope}"')
        assert row.scope in problem["detail"]


@pytest.mark.parametrize("row", GUARDED, ids=lambda row: row.name)
async def test_nobody_gets_in_without_a_token(guarded: House, row: Route) -> None:
    status, headers, problem = await call(guarded, row.method, row.path, {})
    assert (status, problem["type"]) == (401, "urn:cqworker:problem:unauthenticated")
    assert headers["WWW-Authenticate"] == 'Bearer realm="cqworker"'


@pytest.mark.parametrize(
    "header",
    ["Bearer wrong", "Bearer", "Bearer ", "Basic cmVhZGVy", "reader", "Bearer reader extra", "Bearer réader",
     "Bearer " + sha256(b"reader").hexdigest(), "Bearer READER", "Bearer " + "x" * 5000],
)  # fmt: skip
async def test_a_token_that_is_none_is_401_with_a_challenge(guarded: House, header: str) -> None:
    status, headers, problem = await call(guarded, "GET", "/handlers", {"Authorization": header})
    assert (status, problem["status"]) == (401, 401)
    assert 'error="invalid_token"' in headers["WWW-Authenticate"]
    assert "x" * 50 not in problem["detail"]


async def test_the_scheme_is_read_whatever_its_case(guarded: House) -> None:
    assert (await call(guarded, "GET", "/handlers", {"Authorization": "bEARER  reader "}))[0] == 200


@pytest.mark.parametrize("row", OPEN, ids=lambda row: row.name)
async def test_the_front_door_and_the_probes_need_no_token(guarded: House, row: Route) -> None:
    assert (await call(guarded, row.method, row.path, {}))[0] == 200
    assert (await call(guarded, row.method, row.path, bearer("wrong")))[0] == 200


async def test_readiness_tells_causes_to_those_who_may_read() -> None:
    trouble = Trouble("queue main", "There is no queue main in account 123.", "Run cqworker provision.")
    told = [{"service": trouble.service, "cause": trouble.cause, "remedy": trouble.remedy}]
    async with open_house(tokens=TOKENS) as house:
        house.health.troubles = (trouble,)
        assert await house.get("/readyz") == (503, {"status": "unready"})
        assert await house.get("/readyz", headers=bearer("submitter")) == (503, {"status": "unready"})
        assert await house.get("/readyz", headers=bearer("reader")) == (503, {"status": "unready", "troubles": told})
        assert await house.get("/healthz") == (200, {"status": "healthy"})
        assert await house.get("/healthz", headers=bearer("reader")) == (200, {"status": "healthy", "reasons": []})
    async with open_house() as house:
        house.health.troubles = (trouble,)
        assert await house.get("/readyz") == (503, {"status": "unready", "troubles": told})


@pytest.mark.parametrize("tokens", [(), TOKENS], ids=["without tokens", "with tokens"])
async def test_a_worker_beyond_loopback_tells_strangers_its_status_alone(tokens: tuple[TokenSettings, ...]) -> None:
    async with open_house(api=False, host="0.0.0.0", tokens=tokens) as house:
        assert await house.get("/healthz") == (200, {"status": "healthy"})
        assert await house.get("/readyz") == (200, {"status": "ready"})
        house.health.reasons = ("The poller of main has been silent for 50 s.",)
        house.health.troubles = (Trouble("queue main", "There is no queue main in account 123.", "Provision it."),)
        for headers in ({}, bearer("wrong"), bearer("submitter")):
            assert await house.get("/healthz", headers=headers) == (503, {"status": "unhealthy"})
            assert await house.get("/readyz", headers=headers) == (503, {"status": "unready"})


async def test_a_worker_beyond_loopback_tells_causes_to_those_who_may_read() -> None:
    reason, trouble = "The poller of main has been silent for 50 s.", Trouble("queue main", "It is gone.", "Make it.")
    told = {"service": "queue main", "cause": "It is gone.", "remedy": "Make it."}
    async with open_house(api=False, host="0.0.0.0", tokens=TOKENS) as house:
        house.health.reasons, house.health.troubles = (reason,), (trouble,)
        reader = bearer("reader")
        assert await house.get("/healthz", headers=reader) == (503, {"status": "unhealthy", "reasons": [reason]})
        assert await house.get("/readyz", headers=reader) == (503, {"status": "unready", "troubles": [told]})


async def test_a_worker_on_loopback_tells_causes_to_everybody_there() -> None:
    reason, trouble = "The poller of main has been silent for 50 s.", Trouble("queue main", "It is gone.", "Make it.")
    told = {"service": "queue main", "cause": "It is gone.", "remedy": "Make it."}
    async with open_house(api=False) as house:
        house.health.reasons, house.health.troubles = (reason,), (trouble,)
        assert await house.get("/healthz") == (503, {"status": "unhealthy", "reasons": [reason]})
        assert await house.get("/readyz") == (503, {"status": "unready", "troubles": [told]})


async def test_a_worker_alone_serves_its_vitals_to_everybody_and_nothing_else() -> None:
    async with open_house(api=False, tokens=TOKENS) as house:
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await call(house, "GET", path, {}))[0] == 200
        for row in ROUTES:
            if not row.is_vital:
                assert (await call(house, row.method, row.path, bearer("reader")))[0] == 404


async def test_a_job_of_another_tenant_is_404_whatever_is_done_to_it() -> None:
    tenants = (token("ann", *SCOPES, tenant="a"), token("bob", *SCOPES, tenant="b"))
    async with open_house(tokens=tenants) as house:
        _, job = await house.post("/jobs", json=TEXT, headers=bearer("ann"))
        assert job["tenant"] == "a"
        acts = [("GET", ""), ("GET", "?wait=1"), ("GET", "/artifact"), ("POST", "/retry"), ("POST", "/cancel")]
        for method, act in acts:
            status, _, problem = await call(house, method, f"/jobs/{job['job_id']}{act}", bearer("bob"))
            assert (status, problem["type"]) == (404, "urn:cqworker:problem:job-not-found")
        assert await house.get(f"/jobs/{job['job_id']}", headers=bearer("ann")) == (200, job)


async def test_an_artifact_of_another_tenant_is_404() -> None:
    tenants = (token("ann", "submit", "read", tenant="a"), token("bob", "submit", "read", tenant="b"))
    async with open_house(tokens=tenants) as house:
        _, made = await house.post("/artifacts", data=b"secret", headers=bearer("ann"))
        path = f"/artifacts/{made['artifact_id']}"
        assert (await call(house, "GET", path, bearer("bob")))[0] == 404
        assert (await call(house, "GET", path, bearer("ann")))[0] == 200


async def test_two_tenants_may_use_one_idempotency_key() -> None:
    tenants = (token("ann", "submit", tenant="a"), token("bob", "submit", tenant="b"))
    async with open_house(tokens=tenants) as house:
        key = {"Idempotency-Key": "k"}
        first = await house.post("/jobs", json=TEXT, headers=bearer("ann") | key)
        second = await house.post("/jobs", json=TEXT, headers=bearer("bob") | key)
        assert (first[0], second[0]) == (202, 202)
        assert first[1]["job_id"] != second[1]["job_id"]


async def test_two_live_tokens_make_a_rotation() -> None:
    async with open_house(tokens=[token("old", "read"), token("new", "read")]) as house:
        for secret in ("old", "new"):
            assert (await call(house, "GET", "/handlers", bearer(secret)))[0] == 200


async def test_every_stored_hash_is_compared_wherever_the_right_one_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def compare(presented: str, stored: str) -> bool:
        compared.append(stored)
        return presented == stored

    tokens: list[TokenSettings] = [token(f"t{number}", "read") for number in range(5)]
    async with open_house(tokens=tokens) as house:
        monkeypatch.setattr("cqworker.web.auth.hmac.compare_digest", compare)
        for secret in ("t0", "t4", "wrong"):
            compared.clear()
            await call(house, "GET", "/handlers", bearer(secret))
            assert compared == [token.sha256 for token in tokens]
