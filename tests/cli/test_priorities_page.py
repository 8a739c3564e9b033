"""The examples of docs/priorities.md work as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from cqworker.settings import QueueSettings, load_settings
from tests.cli.running import Dev, execute, running_dev
from tests.cli.test_when_page import JOB_ID, pasted, run_python

PAGE = (Path(__file__).parents[2] / "docs" / "priorities.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^ *```toml\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
TOML = [re.sub(r"^  ", "", text, flags=re.MULTILINE) for text in BLOCKS]
[ACT] = re.findall(r"^\$ (cqworker jobs priority .*)$", PAGE, re.MULTILINE)
ROWS = dict(re.findall(r"^\| (HTTP|Python|command line) \| `(.*)` \|$", PAGE, re.MULTILINE))


@pytest.fixture(scope="module")
def levelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A `cqworker dev` with the queue of the page."""
    path = tmp_path_factory.mktemp("levels") / "cqworker.toml"
    path.write_text(TOML[0], encoding="utf-8")
    with running_dev("--config", str(path)) as dev:
        yield dev


def test_the_tables_of_the_page_are_settings(tmp_path: Path) -> None:
    path, found = tmp_path / "cqworker.toml", list[QueueSettings]()
    for text in TOML:
        path.write_text(text, encoding="utf-8")
        found += load_settings(path, {}).queues
    assert [queue.name for queue in found] == ["orders", "orders-low"]
    [named] = re.findall(r"`(orders-high)`, `(orders)`, `(orders-low)`", PAGE)
    assert found[0].queues == named


def test_a_job_is_asked_for_in_each_of_the_ways(levelled: Dev) -> None:
    request = Request(f"{levelled.url}/jobs?wait=10", ROWS["HTTP"].encode(), {"Content-Type": "application/json"})
    with urlopen(request) as answer:
        assert b'"priority":"high"' in answer.read()
    program = (
        "import asyncio\nfrom cqworker.client import Client\n\n\nasync def main():\n"
        f"    async with Client.http({levelled.url!r}) as client:\n        job = {ROWS['Python']}\n"
        "        print((await client.wait(job.job_id)).status, job.priority)\n\n\nasyncio.run(main())\n"
    )
    assert run_python(program) == "SUCCEEDED high\n"
    done = pasted(f"{ROWS['command line']} --wait", levelled)
    assert (done.returncode, done.stderr.count("waiting")) == (0, 1), done.stderr


def test_a_job_that_waits_is_given_another_level(levelled: Dev) -> None:
    submitted = execute("submit", "text.transform", '{"text": "x"}', "--in", "3d", "--json", CQWORKER_URL=levelled.url)
    [job_id] = re.findall(rf'"job_id": "({JOB_ID})"', submitted.stdout)
    done = pasted(ACT, levelled, job_id)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"reprioritised +high by the local operator: the customer waits", done.stdout), done.stdout


def test_the_queues_are_listed_with_their_levels(levelled: Dev) -> None:
    shown = execute("queues", CQWORKER_URL=levelled.url)
    assert re.findall(r"^  orders (\w+):", shown.stdout, re.MULTILINE) == ["high", "medium", "low"], shown.stdout
