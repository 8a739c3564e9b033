"""Every bound that the description names is kept, and every one that is kept is named: just inside and just outside."""

from __future__ import annotations

import asyncio
import json
import re
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from cqworker.ports import StoredObject
from tests.web.house import TEXT, House, open_house
from tests.web.raw import RawAnswer, exchange

JSON = {"Content-Type": "application/json"}


class Api:
    """A house that lives as long as the module, and its description."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._context = open_house(max_upload=2000)
        self.house: House = runner.run(self._context.__aenter__())
        _, self.document = runner.run(self.house.get("/openapi.json"))
        self._judges = {
            name: OAS31Validator({"$ref": f"#/components/schemas/{name}", "components": self.document["components"]})
            for name in ("SubmitAsk", "BatchJobAsk", "RetryAsk")
        }

    def is_described(self, model: str, body: object) -> bool:
        return bool(self._judges[model].is_valid(body))

    def post(self, path: str, body: object) -> tuple[int, Any]:
        return self._runner.run(self.house.post(path, data=json.dumps(body), headers=JSON))

    def is_taken_in_a_batch(self, job: object) -> bool:
        status, answer = self.post("/jobs/batch", {"jobs": [job]})
        assert status == 200
        return int(answer["jobs"][0]["status"]) < 300

    def exchange(self, data: bytes) -> RawAnswer:
        return self._runner.run(exchange(self.house.port, data))

    def ask(self, method: str, path: str, *headers: str, body: bytes = b"") -> RawAnswer:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers]
        return self.exchange(("\r\n".join(lines) + "\r\n\r\n").encode() + body)

    def close(self) -> None:
        self._runner.run(self._context.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with asyncio.Runner() as runner:
        opened = Api(runner)
        yield opened
        opened.close()


def texts(length: int) -> Iterator[str]:
    yield from ("a" * length, "a" * (length + 1), "☃" * length, "☃" * (length + 1))


NEXT_MONTH = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%d")
MOMENTS = [f"{NEXT_MONTH}{rest}" for rest in ("T09:00:00", "t09:00", " 23:59:59.123456789", "T24:00:00", "T09", "")] + [
    "2001-01-01T00:00:00", "20261203T090000", "2026-W49-4T09:00:00", "tomorrow", "2026-13-01T09:00:00"
]  # fmt: skip
ZONES = ["Z", "z", "+14:00", "-05:30", "", "+01", "+0100", "+24:00", " Z", "[Europe/Berlin]", "\n"]
CANDIDATES: dict[str, list[Any]] = {
    "type": ["text.transform", "text", "", "TEXT.TRANSFORM", None, 1],
    "payload": [{"text": "a"}, {"text": 1}, {}, None, "text", [], {"text": None}],
    "queue": [None, "main", "elsewhere", "Main", "", 1],
    "metadata": [{}, {"a": "b"}, {str(key): "v" for key in range(16)}, {str(key): "v" for key in range(17)}, None,
                 {"a": 1}, {"": ""}, {"k" * 1024: ""}, {"k" * 1025: ""}, {"": "v" * 1024}, {"": "v" * 1025}, []],
    "tags": [[], ["a"] * 10, ["a"] * 11, [""], *([text] for text in texts(64)), [1], "a", None],
    "max_attempts": [None, 0, 1, 300, 301, -1, 1.0, 3e2, 1.5, "1", True, 2**63],
    "delay_seconds": [0, 900, 31_622_400, 31_622_401, -1, 900.0, 0.5, None, False, "0"],
    "run_at": [None, *(moment + zone for moment in MOMENTS for zone in ZONES), 1_796_000_000, True],
    "idempotency_key": [None, "", " ", "~" * 128, "~" * 129, "é", "a\tb", "\x7f", 1],
    "limit_key": [None, "order 17", "x" * 128, "x" * 129, "", 7, []],
    "priority": [None, "high", "normal", "low", "HIGH", "urgent", "", 0, 9, 10, -1, 9.0, 0.5, True, "9", []],
    "unique": [None, {}, 1, {"by": ["text"]}, {"by": "x" * 128}, {"by": "x" * 129}, {"by": ""}, {"by": []},
               {"by": [""]}, {"by": ["text"] * 16}, {"by": ["text"] * 17}, {"scope": "until_started"},
               {"scope": "always"}, {"window_seconds": 1}, {"window_seconds": 0}, {"window_seconds": 31_622_400},
               {"window_seconds": 31_622_401}, {"nobodys": 1}],
    "on_duplicate": ["return", "reject", "ignore", None, 1],
    "debounce_seconds": [0, 31_622_401, -1, 0.5, None, False, "0"],
    "max_wait_seconds": [None, 0, 31_622_401, -1, 1.5, True, "1"],
    "nobodys": [None, 1],
}  # fmt: skip


@pytest.mark.parametrize("field", CANDIDATES)
def test_a_field_of_a_submission_is_taken_where_its_schema_takes_it(api: Api, field: str) -> None:
    verdicts = set()
    for value in CANDIDATES[field]:
        body = TEXT | {field: value}
        is_fine = api.is_described("BatchJobAsk", body)
        assert api.is_taken_in_a_batch(body) is is_fine, value
        alone = TEXT | {field: value}
        status, answer = api.post("/jobs", alone)
        assert (status < 300) is api.is_described("SubmitAsk", alone), (value, answer)
        verdicts.add(is_fine)
    assert verdicts == ({False} if field == "nobodys" else {True, False})


def test_every_field_of_a_submission_is_tried(api: Api) -> None:
    described = api.document["components"]["schemas"]["TextTransformBatchJob"]
    assert described["properties"].keys() | {"nobodys"} == CANDIDATES.keys()
    for name in described["required"]:
        assert not api.is_taken_in_a_batch({key: value for key, value in TEXT.items() if key != name})


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
NUMBERS = st.integers(-2, 302) | st.floats(-2, 1000, width=16) | st.none() | st.booleans()
ANYTHING = st.none() | st.booleans() | st.integers(-5, 5) | TEXTS | st.lists(TEXTS, max_size=2)
JOBS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.just("text.transform") | ANYTHING,
        "payload": st.fixed_dictionaries({"text": TEXTS}) | ANYTHING,
        "queue": st.sampled_from(["main", "other", None, 1, ""]),
        "metadata": st.dictionaries(TEXTS, TEXTS | ANYTHING, max_size=3) | ANYTHING,
        "tags": st.lists(TEXTS | ANYTHING, max_size=11) | ANYTHING,
        "max_attempts": NUMBERS,
        "delay_seconds": NUMBERS,
        "idempotency_key": st.none() | st.text(string.printable, min_size=130),
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JOBS)
def test_any_job_is_taken_where_the_description_takes_it(api: Api, job: dict[str, Any]) -> None:
    whole = {"type": "text.transform", "payload": {"text": "a"}} | job
    for asked in (job, whole):
        assert api.is_taken_in_a_batch(asked) is api.is_described("BatchJobAsk", asked)


@pytest.mark.parametrize("job_count", [0, 1, 500, 501])
def test_a_batch_has_as_many_jobs_as_are_described(api: Api, job_count: int) -> None:
    jobs = api.document["components"]["schemas"]["BatchAsk"]["properties"]["jobs"]
    status, _ = api.post("/jobs/batch", {"jobs": [TEXT] * job_count})
    assert (status == 200) is (jobs["minItems"] <= job_count <= jobs["maxItems"])


@pytest.mark.parametrize("seen", [1, 1.0, 999_999_999, 0, 1_000_000_000, 1e9, -1, "one", None, True, 1.5])
def test_the_round_of_a_retry_is_taken_where_its_schema_takes_it(api: Api, seen: object) -> None:
    status, _ = api.post("/jobs/nobody/retry", {"round": seen})
    assert status == (404 if api.is_described("RetryAsk", {"round": seen}) else 422)


def parameter(api: Api, path: str, name: str) -> Any:
    """What judges values of this parameter."""
    operations = api.document["paths"][path].values()
    said = [parameter for operation in operations for parameter in operation.get("parameters", ())]
    (schema,) = [found["schema"] for found in said if found["name"] == name]
    return OAS31Validator(schema)


SPELT = ["0", "20", "20.0", "2e1", "1E-7", "20.0000001", "-1e-9", "21", "1e2", "1e400"]


@pytest.mark.parametrize("spelt", SPELT)
def test_a_wait_is_taken_where_its_schema_takes_it(api: Api, spelt: str) -> None:
    judge = parameter(api, "/jobs/{job_id}", "wait")
    status = api.ask("GET", f"/jobs/nobody?wait={spelt}").status
    assert status == (404 if judge.is_valid(float(spelt)) else 400)


@pytest.mark.parametrize("key", ["k", "~" * 128, "~" * 129, "a b", "!", "a\tb", "é", "a\x7f"])
def test_a_key_is_taken_where_its_schema_takes_it(api: Api, key: str) -> None:
    judge = parameter(api, "/jobs", "Idempotency-Key")
    body = json.dumps(TEXT).encode()
    answer = api.ask("POST", "/jobs", "Content-Type: application/json", f"Idempotency-Key: {key}", body=body)
    assert (answer.status < 300) is judge.is_valid(key)


def test_a_name_is_looked_for_where_its_schema_takes_it(api: Api) -> None:
    _, job = api.post("/jobs", TEXT)
    judge = parameter(api, "/jobs/{job_id}/artifacts/{name}", "name")
    names = ["a", "a.csv", "A-b_c.9", "a" * 100, "a" * 101, ".a", "a.", "a b", "é", "-a", "a_"]
    kept = api.house.artifacts
    kept.objects |= {kept.reference(f"{job['job_id']}/1-0/{name}"): StoredObject(b"x", "text/plain") for name in names}
    assert {judge.is_valid(name) for name in names} == {True, False}
    for name in names:
        status = api.ask("GET", f"/jobs/{job['job_id']}/artifacts/{quote(name)}").status
        assert (status == 200) is judge.is_valid(name), name


@pytest.mark.parametrize("size", [0, 1, 2000, 2001])
def test_an_upload_has_as_many_bytes_as_are_described(api: Api, size: int) -> None:
    described = api.document["paths"]["/artifacts"]["post"]["requestBody"]["description"]
    least, most = map(int, re.findall(r"[0-9]+", described))
    status = api.ask("POST", "/artifacts", body=b"x" * size).status
    assert (status == 201) is (least <= size <= most)


def test_every_call_meets_what_any_call_may_meet_as_described(api: Api) -> None:
    told = {"Origin: https://evil.example": 403, "Expect: miracles": 417, "Host: localhost": 400}
    for path, methods in api.document["paths"].items():
        at = path.replace("{job_id}", "x").replace("{artifact_id}", "0" * 32).replace("{name}", "n")
        for method, operation in methods.items():
            for header, status in told.items():
                assert api.ask(method.upper(), at, header).status == status
                assert str(status) in operation["responses"]
            long = api.ask(method.upper(), at, "X: " + "x" * 9000)
            away = f"{method.upper()} {at} HTTP/1.1\r\nHost: evil.example\r\n\r\n".encode()
            elsewhere = api.exchange(away)
            assert (long.status, elsewhere.status) == (431, 421)
            assert {"431", "421", "500", "503"} <= operation["responses"].keys()
