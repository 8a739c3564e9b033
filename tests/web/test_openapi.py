"""The OpenAPI document: valid, complete, and true."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from cqworker.model.status import Status
from cqworker.web.answers import ArtifactView, JobView, ProblemView
from cqworker.web.openapi import Description
from cqworker.web.problems import Kind
from cqworker.web.table import CALLS
from tests.web.house import TEXT, House


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return Description(CALLS, "1.2.3").document


async def test_the_document_is_valid_openapi_and_served_as_built(house: House) -> None:
    status, served = await house.get("/openapi.json")
    assert (status, served["openapi"]) == (200, "3.1.0")
    validate(served, cls=OpenAPIV31SpecValidator)
    assert served["paths"] == Description(CALLS, "1").document["paths"]


def test_every_call_is_in_it_with_its_scope_and_its_problems(document: dict[str, Any]) -> None:
    for row in CALLS:
        operation = document["paths"][row.path][row.method.lower()]
        assert operation["security"] == ([{"token": [row.scope]}] if row.scope else [])
        statuses = {*row.replies, *(kind.status for kind in row.problems), 500, *((401, 403) if row.scope else ())}
        assert set(operation["responses"]) == {str(status) for status in statuses}
        assert {found["name"] for found in operation.get("parameters", [])} >= {
            part[1:-1] for part in row.path.split("/") if part.startswith("{")
        }
    assert len({row.name for row in CALLS}) == len(CALLS)


def test_every_problem_that_a_call_can_meet_is_documented_with_it() -> None:
    documented = {kind for row in CALLS for kind in row.problems}
    everywhere = {
        Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.INTERNAL, Kind.CROSS_ORIGIN, Kind.NOT_FOUND, Kind.METHOD_NOT_ALLOWED,
        Kind.MISDIRECTED, Kind.EXPECTATION_FAILED, Kind.HEADERS_TOO_LARGE,
    }  # fmt: skip
    assert documented | everywhere == set(Kind)


BODIES = [
    (TEXT, True),
    (TEXT | {"queue": "q", "metadata": {"a": "b"}, "tags": ["t"], "max_attempts": 300, "delay_seconds": 0}, True),
    ({"type": "text.transform"}, False),
    (TEXT | {"max_attempts": 301}, False),
    (TEXT | {"tags": ["t"] * 11}, False),
    (TEXT | {"nope": 1}, False),
    (TEXT | {"metadata": {"a": 1}}, False),
]


@pytest.mark.parametrize(("body", "is_fine"), BODIES)
async def test_the_schema_of_a_submission_agrees_with_the_server(
    house: House, document: dict[str, Any], body: dict[str, Any], is_fine: bool
) -> None:
    schema = {"$ref": "#/components/schemas/SubmitAsk", "components": document["components"]}
    assert OAS31Validator(schema).is_valid(body) is is_fine
    status, _ = await house.post("/jobs", json=body | ({"queue": "main"} if "queue" in body else {}))
    assert status == (202 if is_fine else 422)


async def test_real_answers_fit_their_models(house: House) -> None:
    job = await house.submit()
    JobView.model_validate(job)
    house.rewrite(job["job_id"], Status.SUCCEEDED, result="[1]", attempt=1, started_at=1, finished_at=2)
    JobView.model_validate((await house.get(f"/jobs/{job['job_id']}"))[1])
    ArtifactView.model_validate((await house.post("/artifacts", data=b"x"))[1])
    for path in ("/jobs/nobody", "/nowhere"):
        ProblemView.model_validate((await house.get(path))[1])
    ProblemView.model_validate((await house.post("/jobs", json={}))[1])
