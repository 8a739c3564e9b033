"""The requests of docs/http.md, pasted into a shell beside `cqworker dev`, are answered as the page shows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Dev, execute, plain_environment
from tests.patience import scaled

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
JOB_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ASKED = re.findall(r"^```bash\n(curl .*?)^```\n(?:```(?:json)?\n(.*?)^```)?", PAGE, re.MULTILINE | re.DOTALL)
pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the page is for a machine with curl")


def shown(part: str) -> tuple[str, str]:
    """The request of the page that has this part, and what stands below it."""
    [found] = [(command, below) for command, below in ASKED if part in command]
    return found


def pasted(command: str, dev: Dev, job_id: str = "", at: Path | None = None) -> str:
    """What it prints, for this job in the place of the page's."""
    command = re.sub(JOB_ID, job_id, command).replace("localhost:8080", dev.url.removeprefix("http://"))
    environment = {**plain_environment(), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        ["bash", "-c", command],
        env=environment,
        cwd=at,
        capture_output=True,
        text=True,
        timeout=scaled(40),
        check=True,
    )
    return done.stdout


def submitted(dev: Dev, job_type: str, payload: str, *options: str) -> str:
    """The id of a job that is as the page supposes."""
    done = execute("submit", job_type, payload, *options, "--json", CQWORKER_URL=dev.url)
    return str(json.loads(done.stdout)["job_id"])


def body_of(text: str) -> Any:
    return json.loads(text.splitlines()[-1])


def test_a_job_is_submitted_and_shown(dev: Dev) -> None:
    command, below = shown('"tags": ["demo"]')
    printed = pasted(command.replace("order-42", "order-of-the-page"), dev)
    assert printed.startswith("HTTP/1.1 202 Accepted")
    job = body_of(printed)
    assert job.keys() == body_of(below).keys()
    command, below = shown("?wait=20")
    answer = body_of(pasted(command, dev, job["job_id"]))
    assert (answer.keys(), answer["result"]) == (body_of(below).keys(), body_of(below)["result"])


@pytest.mark.parametrize("part", ["max_attemps", '{"text": 7}'])
def test_what_is_refused_is_answered_word_for_word(dev: Dev, part: str) -> None:
    command, below = shown(part)
    assert body_of(pasted(command, dev)) == body_of(below)


def test_a_batch_is_answered_job_by_job(dev: Dev) -> None:
    command, below = shown("jobs/batch")
    accepted, refused = body_of(pasted(command.replace("order-43", "order-of-the-batch"), dev))["jobs"]
    like, refused_as = body_of(below)["jobs"]
    assert (accepted["status"], accepted["job"].keys()) == (202, like["job"].keys())
    assert refused == refused_as


def test_a_failed_job_is_given_another_round(dev: Dev) -> None:
    job_id = submitted(dev, "image.grayscale", '{"source": "artifact:nothing-here"}', "--wait")
    command, below = shown("/retry")
    answer = body_of(pasted(command, dev, job_id))
    assert (answer["round"], answer.keys()) == (2, body_of(below).keys())


def test_a_job_that_waits_is_cancelled_and_one_that_is_final_is_not(dev: Dev) -> None:
    command, below = shown("/cancel")
    answer = body_of(pasted(command, dev, submitted(dev, "text.transform", '{"text": "later"}', "--in", "600")))
    assert (answer["status"], answer.keys()) == ("CANCELLED", body_of(below).keys())
    refused = body_of(pasted(command, dev, submitted(dev, "text.transform", '{"text": "now"}', "--wait")))
    assert (refused["status"], refused["type"].rpartition(":")[2]) == (409, "not-allowed-now")
    assert refused["type"] in PAGE


def test_jobs_are_found(dev: Dev) -> None:
    page = body_of(pasted(shown("status=FAILED")[0], dev))
    assert {job["status"] for job in page["jobs"]} <= {"FAILED"}


def test_a_photograph_goes_up_and_its_picture_comes_down(dev: Dev, tmp_path: Path) -> None:
    photograph = (files("cqworker_handlers") / "demo" / "astronaut.jpg").read_bytes()
    (tmp_path / "photo.jpg").write_bytes(photograph)
    command, below = shown("photo.jpg")
    upload = body_of(pasted(command, dev, at=tmp_path))
    assert (upload.keys(), upload["content_type"]) == (body_of(below).keys(), "image/jpeg")
    job_id = submitted(dev, "image.grayscale", json.dumps({"source": upload["source"]}), "--wait")
    command, below = shown("grey.jpg")
    printed = pasted(command, dev, job_id, at=tmp_path)
    assert printed.startswith("HTTP/1.1 200 OK")
    for header in ("Content-Disposition: attachment", "Content-Type: image/jpeg"):
        assert (header in printed, header in below) == (True, True)
    assert (tmp_path / "grey.jpg").read_bytes().startswith(b"\xff\xd8")


def test_health_is_told(dev: Dev) -> None:
    command, below = shown("/healthz")
    assert pasted(command, dev).replace("}{", "}\n{").strip() == below.strip()


def test_every_request_of_the_page_is_made() -> None:
    assert len(ASKED) == 11
