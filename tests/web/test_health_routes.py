"""Health, readiness, status, metrics, and what the catalogue lists."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from cqworker.health.service_health import Trouble
from cqworker.model.unique import Unique
from cqworker.plugins.handler import Backoff, handler
from cqworker.plugins.registry import registry_from
from cqworker.web.response_models import HandlersView, HealthView, ReadinessView
from cqworker.web.routes import ROUTES
from cqworker.web.worker_models import StatusView
from tests.web.house import House, open_house


class Greeting(BaseModel):
    name: str


@handler(timeout=10, max_attempts=5, backoff=Backoff(first=2.0, cap=60.0), concurrency=3)
def greet(payload: Greeting) -> Greeting:
    """Greets politely.

    At length.
    """
    return payload


def careless(payload: Greeting) -> Greeting:
    return payload


async def test_a_healthy_worker_is_200_and_an_unhealthy_one_503_with_reasons(house: House) -> None:
    assert await house.get("/healthz") == (200, {"status": "healthy", "reasons": []})
    house.health.reasons = ("The poller of main has been silent for 50 s.",)
    status, shown = await house.get("/healthz")
    assert (status, shown["reasons"]) == (503, ["The poller of main has been silent for 50 s."])
    HealthView.model_validate(shown)


async def test_an_unready_worker_names_cause_and_remedy(house: House) -> None:
    assert await house.get("/readyz") == (200, {"status": "ready", "troubles": []})
    house.health.troubles = (Trouble("job store", "There is no table jobs.", "Run cqworker provision."),)
    status, shown = await house.get("/readyz")
    told = [{"service": "job store", "cause": "There is no table jobs.", "remedy": "Run cqworker provision."}]
    assert (status, shown) == (503, {"status": "unready", "troubles": told})
    ReadinessView.model_validate(shown)


async def test_status_shows_what_is_going_on(house: House) -> None:
    status, shown = await house.get("/status")
    assert status == 200
    assert (shown["phase"], shown["slots"]) == ("ready", {"taken": 0, "total": 32})
    assert shown["handlers"] == {"usable": ["text.transform"], "broken": []}
    assert shown["counts"]["jobs"]["submitted"] == 0
    StatusView.model_validate(shown)
    assert set(shown["build"]) == {"version", "python"}


async def test_metrics_are_passed_on_as_they_are(house: House) -> None:
    async with house.client.get("/metrics") as answer:
        assert (answer.status, await answer.read()) == (200, b"jobs_total 0\n")
        assert answer.headers["Content-Type"] == "text/plain; version=1.0.0; charset=utf-8"


async def test_the_index_lists_every_call(house: House) -> None:
    _, shown = await house.get("/")
    assert [(call["method"], call["path"]) for call in shown["calls"]] == [(row.method, row.path) for row in ROUTES]
    assert (await house.get("/api/v1"))[1] == shown


@pytest.mark.parametrize(
    ("unique", "shown"),
    [
        (Unique(["order_id", "day"]), {"by": ["day", "order_id"], "scope": "until_finished", "window_seconds": None}),
        (Unique("one", scope="until_started"), {"by": "one", "scope": "until_started", "window_seconds": None}),
        (Unique(window=60), {"by": None, "scope": "window", "window_seconds": 60}),
        (None, None),
    ],
)
async def test_what_the_jobs_of_a_type_are_unique_by_is_shown_with_it(
    unique: Unique | None, shown: dict[str, object] | None
) -> None:
    async def ship(payload: dict[str, str]) -> None:
        """Ships."""

    registry = registry_from({"ship": handler(unique=unique)(ship)})
    async with open_house(registry=registry) as house:
        _, listed = await house.get("/handlers")
    HandlersView.model_validate(listed)
    assert listed["handlers"][0]["unique"] == shown


async def test_handlers_are_listed_with_their_limits_and_schemas_and_broken_ones_by_name() -> None:
    registry = registry_from({"greet": greet, "careless": careless})
    async with open_house(registry=registry) as house:
        status, shown = await house.get("/handlers")
    assert status == 200
    HandlersView.model_validate(shown)
    (usable,), (broken,) = shown["handlers"], shown["broken"]
    assert {name: usable[name] for name in ("type", "description", "timeout", "max_attempts", "concurrency")} == {
        "type": "greet",
        "description": "Greets politely.",
        "timeout": 10.0,
        "max_attempts": 5,
        "concurrency": 3,
    }
    assert usable["backoff"] == {"first": 2.0, "factor": 2.0, "cap": 60.0}
    assert (usable["executor"], usable["memory"]) == ("thread", None)
    assert usable["payload_schema"]["required"] == ["name"]
    assert usable["result_schema"]["required"] == ["name"]
    assert broken["type"] == "careless"
    assert broken["cause"]
    assert broken["remedy"]
