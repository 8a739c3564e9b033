"""What docs/handlers.md shows of jobs that are put off does what the page says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cqworker import Reject, Retry, Snooze
from cqworker.model.status import Status
from cqworker.plugins.handler import options_of
from cqworker.testing import run_handler
from tests.flow.long_stories import look_seldom
from tests.flow.world import World, story

PAGE = Path(__file__).parents[2].joinpath("docs", "handlers.md").read_text(encoding="utf-8")
STATEMENT = {"account": "DE1", "give_up": "2999-01-01T00:00:00Z"}


class Refused(Exception):
    """What the bank's client raises for an answer that is an error."""


@pytest.fixture(autouse=True)
def _long_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    look_seldom(monkeypatch)


def example(section: str) -> str:
    """The first block of Python below this heading."""
    [part] = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    found = re.search(r"```python\n(.*?)```", part, re.DOTALL)
    assert found is not None
    return found[1]


def run(text: str, space: dict[str, Any]) -> None:
    """Runs a block as a module of its own would run: without this file's imports from the future."""
    exec(compile(text, "docs/handlers.md", "exec", dont_inherit=True), space)


def reply(status: int) -> Any:
    def raise_for_status() -> None:
        if status != 200:
            raise Refused(status)

    return SimpleNamespace(status=status, text="1.00 EUR", raise_for_status=raise_for_status)


def page_with(*statuses: int) -> dict[str, Any]:
    """What the page defines, at a bank that answers so, one after another; the last answer stays."""
    left = list(statuses)

    async def ask_bank(account: str) -> Any:
        assert account == "DE1"
        return reply(left.pop(0) if len(left) > 1 else left[0])

    space: dict[str, Any] = {"ask_bank": ask_bank, "__name__": "page"}
    run(example("Not now"), space)
    return space


def lasting(handler: Callable[..., Any], entries: int) -> list[tuple[str, str]]:
    """What became of a job of this handler, once its history has so many entries; without the claims."""
    told = list[tuple[str, str]]()

    @story
    async def tell() -> None:
        world = World({"bank.statement": handler})
        world.start()
        job_id = await world.submit("bank.statement", '{"account":"DE1","give_up":"2999-01-01T00:00:00Z"}')
        await world.until_true(lambda: len(world.record(job_id).history) >= entries, patience=4 * 86_400)
        record = world.record(job_id)
        told.extend((entry.event, entry.reason) for entry in record.history if entry.event != "claimed")
        assert (record.attempt == 1) is (record.status is not Status.QUEUED)
        await world.stop()

    tell()
    return told


@pytest.mark.parametrize(
    ("status", "ending", "after"), [(404, Snooze, 6 * 3600), (429, Retry, 86_400), (500, Refused, None)]
)
async def test_the_bank_that_has_no_statement_snoozes_the_job_and_a_closed_one_has_it_retried(
    status: int, ending: type[Exception], after: float | None
) -> None:
    with pytest.raises(ending) as raised:
        await run_handler(page_with(status)["fetch_statement"], STATEMENT)
    assert getattr(raised.value, "after", None) == after


async def test_the_statement_is_given_up_once_its_time_is_over() -> None:
    with pytest.raises(Reject, match="the bank has no statement"):
        await run_handler(page_with(404)["fetch_statement"], {**STATEMENT, "give_up": "2000-01-01T00:00:00Z"})


def test_the_statement_that_comes_in_the_end_is_told_in_one_line_of_snoozes() -> None:
    told = lasting(page_with(*[404] * 7, 200)["fetch_statement"], 5)
    assert told == [("submitted", ""), ("handed_back", "snoozed x7: no statement yet"), ("succeeded", "")]


def test_the_pauses_after_errors_are_what_the_comment_says() -> None:
    options = options_of(page_with(500)["fetch_statement"])
    assert options is not None
    pauses = [min(options.backoff.cap, options.backoff.first * options.backoff.factor**n) / 60 for n in range(5)]
    assert pauses == [1, 6, 36, 216, 720]


async def test_the_tests_that_the_page_shows_pass() -> None:
    space = page_with(404) | {"pytest": pytest}
    run(first(), space)
    run(example("Test it"), space)
    tests = [test for name, test in space.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        await test()


def first() -> str:
    """The block that the page begins with."""
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]
