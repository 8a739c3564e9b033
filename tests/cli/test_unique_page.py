"""The examples of docs/unique-jobs.md work as they stand."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from cqworker import Unique
from cqworker.enums import UniqueScope
from cqworker.jobs.submission_models import UniqueAsk
from tests.cli.running import COMMAND, Dev, invoke, plain_environment, told
from tests.patience import scaled

PAGE = (Path(__file__).parents[2] / "docs" / "unique-jobs.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
[WITH_CLIENT] = (text for language, text in BLOCKS if language == "python")
[STORY] = (text for language, text in BLOCKS if language == "console")
[DEBOUNCED] = (text for language, text in BLOCKS if language == "bash")
WAYS = re.findall(r"^\| `(\"unique\": .*?)` \| `(Unique\(.*?\))` \| `(--unique.*?)` \|", PAGE, re.MULTILINE)
JOB_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def test_the_client_s_example_is_given_the_first_job_again(dev: Dev) -> None:
    program = WITH_CLIENT.replace("http://127.0.0.1:8080", dev.url)
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=scaled(60),
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "True None True\n")


def test_the_lines_for_a_terminal_print_what_stands_below_them(dev: Dev) -> None:
    environment = {**plain_environment(), "CQWORKER_URL": dev.url}
    ids = set()
    for command, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", STORY, re.MULTILINE):
        program = f'cqworker() {{ {" ".join(COMMAND)} "$@"; }}; {command}'
        done = subprocess.run(
            ["bash", "-c", program], env=environment, capture_output=True, text=True, timeout=scaled(30), check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        ids |= set(re.findall(JOB_ID, done.stdout))
        assert re.sub(JOB_ID, "ID", done.stdout) == re.sub(JOB_ID, "ID", printed)
    assert len(ids) == 1


def test_the_debounced_example_is_one_job_however_often_it_is_sent_and_has_the_last_payload(dev: Dev) -> None:
    command = DEBOUNCED.replace("localhost:8080", dev.url.removeprefix("http://"))
    jobs = []
    for text in ("draft 1", "draft 2", "draft 3"):
        done = subprocess.run(
            ["bash", "-c", command.replace("draft 1", text)],
            env=plain_environment(),
            capture_output=True,
            text=True,
            timeout=scaled(30),
            check=False,
        )
        jobs.append(orjson.loads(done.stdout))
    assert [job["payload"]["text"] for job in jobs] == ["draft 1", "draft 2", "draft 3"]
    assert len({job["job_id"] for job in jobs}) == 1
    assert [job.get("unique") for job in jobs] == [None, True, True]
    [*_, last] = jobs[-1]["history"]
    assert (last["event"], last["reason"].split(":")[0]) == ("replaced", "x2")


@pytest.mark.usefixtures("on_aws")
def test_the_last_one_counts_on_the_command_line_too() -> None:
    [options], [command] = (
        re.findall(r"`(--on-duplicate replace .*?)`", PAGE),
        re.findall(r"`cqworker (provision .*?)`", PAGE),
    )
    assert invoke(*command.split()).exit_code == 0
    said = ("--unique-text", "page 8", "--unique-scope", "until_started", *options.split(), "--json")
    first = told(invoke("submit", "text.transform", '{"text": "one"}', *said))
    second = told(invoke("submit", "text.transform", '{"text": "two"}', *said))
    assert (second["job_id"], second["payload"]) == (first["job_id"], {"text": "two"})
    third = invoke("submit", "text.transform", '{"text": "three"}', *said[:-1])
    told_so = f"Job {first['job_id']} has this unique key, and this payload from now on: it is QUEUED, to start at 20"
    assert third.stdout.startswith(told_so)


@pytest.mark.parametrize(("http", "python", "_"), WAYS)
def test_what_a_row_says_over_http_and_in_python_is_the_same(http: str, python: str, _: str) -> None:
    asked = UniqueAsk.model_validate(orjson.loads(f"{{{http}}}")["unique"])
    call = ast.parse(python, mode="eval").body
    assert isinstance(call, ast.Call)
    assert asked.unique() == Unique(*map(ast.literal_eval, call.args))


@pytest.mark.usefixtures("on_aws")
@pytest.mark.parametrize("options", [options for _, _, options in WAYS])
def test_what_a_row_says_on_the_command_line_is_taken(options: str) -> None:
    words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', options)]
    said = ("submit", "text.transform", f'{{"text": "{options[2:9]}"}}', *words, "--in", "60", "--json")
    job = told(invoke(*said))
    assert job["unique_scope"] == "until_finished"
    assert told(invoke(*said))["job_id"] == job["job_id"]


def test_the_page_has_a_row_for_each_way_and_each_scope() -> None:
    assert len(WAYS) == 3
    assert [scope for scope in UniqueScope if f"| `{scope}` |" not in PAGE] == []
