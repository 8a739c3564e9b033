"""The OpenAPI document: valid, complete, and true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from cqworker.plugins.registry import Registry, registry_of
from cqworker.settings import HttpSettings
from cqworker.web.openapi import ApiDocument, DocumentContext
from cqworker.web.problems import ProblemKind
from cqworker.web.routes import ROUTES
from tests.web.house import House, open_house, transform
from tests.web.tokens import A_TOKEN

ALWAYS = {400, 403, 417, 421, 431, 500, 503}
"""What any call on loopback may meet, and what no call takes part in deciding."""
VERBS = ("submit", "show", "retry", "cancel", "upload", "download", "list", "count", "describe", "check",
         "quiet", "resume", "drain", "pause", "reprioritise", "reschedule", "run", "set", "start")  # fmt: skip
"""What a call does, and how its name begins."""


def described(registry: Registry | None = None, **http: Any) -> dict[str, Any]:
    """The description of a daemon with these handlers, and these settings of `[http]`."""
    known = registry or registry_of(**{"text.transform": transform})
    return ApiDocument(ROUTES, "1.2.3", DocumentContext(known, HttpSettings(**http), ("main",))).document


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return described()


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


async def test_the_document_is_valid_openapi_and_served_as_built(house: House, document: dict[str, Any]) -> None:
    status, served = await house.get("/openapi.json")
    assert (status, served["openapi"]) == (200, "3.1.0")
    validate(served, cls=OpenAPIV31SpecValidator)
    assert {**served, "info": document["info"]} == document
    assert (await house.get("/api/v1/openapi.json"))[1] == served


def test_every_call_is_in_it_with_every_status_it_can_end_with(document: dict[str, Any]) -> None:
    for row in ROUTES:
        operation = document["paths"][row.path][row.method.lower()]
        statuses = {*row.replies, *(kind.status for kind in row.problems), *ALWAYS}
        assert operation["responses"].keys() == {str(status) for status in statuses}, row.path
        assert {found["name"] for found in operation.get("parameters", [])} >= {
            part[1:-1] for part in row.path.split("/") if part.startswith("{")
        }


def test_every_problem_that_a_call_can_meet_is_documented_with_it(document: dict[str, Any]) -> None:
    told = {slug for operation in operations(described(tokens=[A_TOKEN])) for reply in operation["responses"].values()
            for media in reply["content"].values() for slug in media.get("examples", {})}  # fmt: skip
    of_no_call = {ProblemKind.NOT_FOUND, ProblemKind.METHOD_NOT_ALLOWED}
    assert told == {kind.slug for kind in set(ProblemKind) - of_no_call}
    later = document["paths"]["/jobs"]["post"]["responses"]
    assert later["429"]["headers"].keys() == later["503"]["headers"].keys() == {"Retry-After"}
    refused = document["paths"]["/jobs/{job_id}/cancel"]["post"]["responses"]["409"]
    assert refused["content"]["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/ProblemView"}
    assert list(refused["content"]["application/problem+json"]["examples"]) == ["not-allowed-now"]


def test_a_token_is_asked_for_where_one_is_configured_and_nowhere_else(document: dict[str, Any]) -> None:
    assert "securitySchemes" not in document["components"]
    assert "security" not in document
    assert not [operation for operation in operations(document) if "security" in operation]
    assert not [operation for operation in operations(document) if "401" in operation["responses"]]
    guarded = described(tokens=[A_TOKEN])
    for row in ROUTES:
        operation = guarded["paths"][row.path][row.method.lower()]
        assert ("401" in operation["responses"]) is bool(row.scope)
        if row.scope:
            assert operation["security"] == [{"token": [row.scope]}]
            assert operation["responses"]["401"]["headers"].keys() == {"WWW-Authenticate"}
        else:  # the causes of healthz and readyz are for those who may read
            assert operation["security"] == ([{}, {"token": ["read"]}] if row.is_vital else [])


def test_only_a_daemon_on_loopback_misses_its_name() -> None:
    far = described(host="0.0.0.0", tokens=[A_TOKEN])
    assert not [operation for operation in operations(far) if "421" in operation["responses"]]


def test_method_names_are_verbs_that_no_two_calls_share(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations(document)]
    assert len({name.lower() for name in names}) == len(names)
    others = [name for name in names if not re.fullmatch(rf"({'|'.join(VERBS)})[A-Z][A-Za-z]+", name)]
    assert others == [], (
        f"a call is named by one of {VERBS}, then by what that is done to; a verb that is new goes there"
    )
    known = {tag["name"] for tag in document["tags"]}
    assert {tag for operation in operations(document) for tag in operation["tags"]} == known


def contents(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for operation in operations(document):
        for place in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media_type, media in place.get("content", {}).items():
                yield operation["operationId"], media_type, media


def test_everything_that_is_sent_or_answered_has_a_schema(document: dict[str, Any]) -> None:
    assert [found for found in contents(document) if not found[2].get("schema")] == []
    headers = [header for operation in operations(document) for reply in operation["responses"].values()
               for header in reply.get("headers", {}).values()]  # fmt: skip
    assert headers
    assert all(header["schema"] and header["description"] for header in headers)


def test_bytes_are_strings_of_binary_to_generators(document: dict[str, Any]) -> None:
    sent = document["paths"]["/artifacts"]["post"]["requestBody"]
    binary = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
    assert sent["content"]["application/octet-stream"]["schema"] == binary
    assert "1 to 33554432 bytes" in sent["description"]
    for path in ("/artifacts/{artifact_id}", "/jobs/{job_id}/artifact", "/jobs/{job_id}/artifacts/{name}"):
        reply = document["paths"][path]["get"]["responses"]["200"]
        assert {media["schema"]["format"] for media in reply["content"].values()} == {"binary"}
        assert list(reply["content"]) == ["application/octet-stream", "*/*"]
        assert "Content-Disposition" in reply["headers"]


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    components = document["components"]
    found = 0
    for name, schema in components["schemas"].items():
        for example in schema.get("examples", []):
            OAS31Validator({"$ref": f"#/components/schemas/{name}", "components": components}).validate(example)
            found += 1
    for _, _, media in contents(document):
        for example in media.get("examples", {}).values():
            value = components["examples"][example["$ref"].rpartition("/")[2]]["value"]
            OAS31Validator(media["schema"] | {"components": components}).validate(value)
            found += 1
    assert found > 100


def test_nothing_is_said_to_be_there_that_is_left_out(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for model, left_out in {
        "JobView": {"payload_ref", "result_ref"},
        "BatchEntryView": {"job", "problem"},
        "ProblemView": {"errors", "job_id", "service", "incident", "retry_after"},
        "HealthView": {"reasons"},
    }.items():
        for name in left_out:
            assert name not in schemas[model]["required"]
            assert "default" not in schemas[model]["properties"][name]
            assert {"type": "null"} not in schemas[model]["properties"][name].get("anyOf", [])


def test_no_field_has_a_default_for_generators_take_it_for_one_that_is_always_there(document: dict[str, Any]) -> None:
    fields = [(name, field, schema) for name, model in document["components"]["schemas"].items()
              for field, schema in model.get("properties", {}).items()]  # fmt: skip
    assert [found for found in fields if "default" in found[2]] == []
    submission = document["components"]["schemas"]["TextTransformSubmission"]
    assert submission["required"] == ["type", "payload"]
    assert submission["properties"]["delay_seconds"]["description"].startswith("Else 0.")


def test_a_job_is_asked_for_in_a_queue_of_the_daemon_and_may_be_in_any(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["QueueName"]["enum"] == ["main"]
    for asked in ("TextTransformSubmission", "TextTransformBatchJob"):
        either = [{"$ref": "#/components/schemas/QueueName"}, {"type": "null"}]
        assert schemas[asked]["properties"]["queue"]["anyOf"] == either
    assert schemas["JobView"]["properties"]["queue"] == {"type": "string"}


def test_answers_may_grow_and_what_is_asked_may_not(document: dict[str, Any]) -> None:
    closed = {name for name, schema in document["components"]["schemas"].items()
              if schema.get("additionalProperties") is False}  # fmt: skip
    assert closed == {
        "TextTransformSubmission",
        "TextTransformBatchJob",
        "BatchAsk",
        "ReprioritiseAsk",
        "RescheduleAsk",
        "UniqueAsk",
        "RetryAsk",
        "JobFilter",
        "OperationAsk",
        "LimitAsk",
        "QueueAsk",
        "ResumeAsk",
    }


async def test_settings_stand_in_it() -> None:
    async with open_house(max_body=5000, max_upload=7000) as house:
        _, served = await house.get("/openapi.json")
    paths = served["paths"]
    assert "5000 bytes" in paths["/jobs"]["post"]["requestBody"]["description"]
    assert "7000 bytes" in paths["/artifacts"]["post"]["requestBody"]["description"]
