"""`jobs retry|cancel --filter` and `operations` against a running worker: directly on AWS and through the daemon."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from tests.cli.running import Dev, invoke
from tests.cli.test_job_lists import failed
from tests.patience import scaled

PATIENCE = 60.0


@pytest.fixture(params=["direct", "through the daemon"])
def way(request: pytest.FixtureRequest, dev: Dev, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to reach jobs."""
    environ = dev.exports if request.param == "direct" else {"CQWORKER_URL": dev.url}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return str(request.param)


def ended(operation_id: str) -> dict[str, Any]:
    """The operation once it has ended, as `operations show --json` has it."""
    until = time.monotonic() + scaled(PATIENCE)
    while True:
        shown: dict[str, Any] = json.loads(invoke("operations", "show", operation_id, "--json").stdout)
        if shown["state"] not in ("waiting", "running"):
            return shown
        assert time.monotonic() < until, shown
        time.sleep(0.2)


def test_what_failed_is_previewed_counted_and_retried_by_a_filter(way: str) -> None:
    tag = f"{way} retried"
    ids = failed(tag, 3)
    chosen = ["--filter", "status=FAILED", "--filter", f"tag={tag}", "--filter", "from=24h"]
    dry = invoke("jobs", "retry", *chosen, "--dry-run")
    assert dry.exit_code == 0, dry.stderr
    assert dry.stdout.startswith("3 jobs to retry, as of ")
    assert "  by type: image.grayscale 3\n" in dry.stdout
    assert all(job_id in dry.stdout for job_id in ids)
    unasked = invoke("jobs", "retry", *chosen)
    assert unasked.exit_code == 64
    assert "This would retry 3 jobs. Give --yes to do it" in " ".join(unasked.stderr.split())
    asked = invoke("jobs", "retry", *chosen, "--yes", "--reason", "it was moved", "--rate", "20", "--json")
    assert asked.exit_code == 0, asked.stderr
    view = json.loads(asked.stdout)
    assert (view["state"], view["rate"], view["expected"], view["by"]) == ("waiting", 20, 3, "the local operator")
    done = ended(view["operation_id"])
    assert (done["state"], done["matched"], done["done"], done["refused"]) == ("finished", 3, 3, {})
    for job_id in ids:
        job = json.loads(invoke("jobs", "show", job_id, "--json").stdout)
        assert job["round"] == 2
        [retried] = [entry for entry in job["history"] if entry["event"] == "retried"]
        assert retried["reason"] == "by the local operator: it was moved"
    shown = invoke("operations", "show", view["operation_id"])
    assert f"{view['operation_id']} retry status=FAILED tag={tag}" in shown.stdout
    assert "3 found of 3 expected, 3 done, 0 had changed" in shown.stdout
    table = invoke("operations").stdout
    assert re.search(rf"{view['operation_id']} +retry +finished +3 +3 +the local operator", table)


def test_jobs_are_cancelled_by_their_ids_and_an_operation_can_be_stopped(way: str) -> None:
    text = '{"text": "hello world"}'
    made = [invoke("submit", "text.transform", text, "--in", "3d", "--tag", way, "--json") for _ in range(2)]
    ids = [json.loads(result.stdout)["job_id"] for result in made]
    asked = invoke("jobs", "cancel", *ids, "--yes")
    assert asked.exit_code == 0, asked.stderr
    found = re.match(r"Operation (\S+) will cancel 2 jobs, 50 a second at most\.", asked.stdout)
    assert found is not None, asked.stdout
    stopped = invoke("operations", "stop", found[1])
    if stopped.exit_code == 0:
        assert ended(found[1])["state"] in ("cancelled", "finished")
    assert invoke("operations", "stop", found[1]).exit_code == 1
    assert invoke("operations", "show", "nobody").exit_code == 1


def test_without_a_job_that_is_so_nothing_begins(way: str) -> None:
    result = invoke("jobs", "retry", "--filter", f"tag={way} nobody")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "There are no such jobs.\n")
    refused = invoke("jobs", "retry", "--filter", "status=SUCCEEDED")
    assert refused.exit_code == 1
    assert "No SUCCEEDED job can be retried" in refused.stderr
    strange = invoke("jobs", "retry", "--filter", "colour=red")
    assert strange.exit_code == 1
    assert "colour" in strange.stderr
