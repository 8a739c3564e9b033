"""`submit --batch`: a job a line, directly on AWS and through the daemon."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.running import Dev, invoke, told

LINES = [
    '{"type": "text.transform", "payload": {"text": "one"}, "tags": ["t"]}',
    "",
    '{"type": "text.transform", "payload": {"text": 2}}',
    "[1]",
    '{"type": "text.transform", "payload": {"text": "a", "text": "b"}}',
    '  {"type": "text.transform", "payload": {"text": "two"}}  ',
    '{"type": "text.transform", "payload": {"text": "x"}, "tag": "t"}',
]


@pytest.fixture(params=["direct", "through the daemon"], autouse=True)
def way(request: pytest.FixtureRequest, dev: Dev, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to reach jobs."""
    for name, value in (dev.exports if request.param == "direct" else {"CQWORKER_URL": dev.url}).items():
        monkeypatch.setenv(name, value)


def test_each_line_is_told_and_one_refusal_ends_with_1(tmp_path: Path) -> None:
    path = tmp_path / "jobs.jsonl"
    path.write_text("\n".join(LINES), encoding="utf-8")
    result = invoke("submit", "--batch", str(path))
    assert result.exit_code == 1
    first, second, third, twice, last, strange = result.stdout.splitlines()
    assert re.fullmatch(r"Line 1: job \S{36} is [A-Z]+\.", first)
    assert second == "Line 3 was refused: /text: Input should be a valid string"
    assert third == "Line 4 was refused: The line is a list; a JSON object is expected."
    assert twice == 'Line 5 was refused: The key "text" appears twice in one object.'
    assert re.fullmatch(r"Line 6: job \S{36} is [A-Z]+\.", last)
    assert strange.startswith("Line 7 was refused: /tag: is no field here; did you mean tags?")
    assert result.stderr == "2 of 6 jobs were accepted.\n"
    assert told(invoke("jobs", "show", first.split()[3], "--json"))["tags"] == ["t"]


def test_jobs_come_from_standard_input_and_are_told_as_json(request: pytest.FixtureRequest) -> None:
    job = {"type": "text.transform", "payload": {"text": "x"}, "idempotency_key": request.node.nodeid}
    result = invoke("submit", "--batch", "-", "--json", input=f"{json.dumps(job)}\r\n" * 2)
    assert (result.exit_code, result.stderr) == (0, "2 of 2 jobs were accepted.\n")
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["line"], second["line"]) == (1, 2)
    assert first["job"]["job_id"] == second["job"]["job_id"]


def test_a_refusal_is_told_as_json_too() -> None:
    result = invoke("submit", "--batch", "-", "--json", input='{"type": "nope", "payload": {}}\n')
    assert result.exit_code == 1
    [line] = result.stdout.splitlines()
    assert "no job type 'nope'" in json.loads(line)["error"]


def test_no_jobs_are_no_failure() -> None:
    assert invoke("submit", "--batch", "-", input="\n\n").exit_code == 0
