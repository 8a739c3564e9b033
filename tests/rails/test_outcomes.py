"""An outcome has somebody who makes it, a judgement under every stop and a conclusion; authors have a word for it."""

from __future__ import annotations

import inspect
from typing import Any, get_args

import pytest
from msgspec.structs import replace

import cqworker
from cqworker import handler
from cqworker.execution import outcome as outcomes
from cqworker.execution.invoke import outcome_of
from cqworker.execution.outcome import Ended, Interrupted, Raised, StopReason
from cqworker.execution.stop_outcomes import judge
from cqworker.flow import conclusion
from cqworker.flow.conclusion import conclude
from cqworker.flow.settle import _ending_in_words
from cqworker.model.status import SETTLED
from cqworker.plugins.handler import Stopping
from cqworker.plugins.job import PlainJob
from cqworker.plugins.process_call import run_in_child
from cqworker.testing import run_handler
from tests.rails import ending_handlers
from tests.rails.conclusions import OUTCOMES, RULES, conclusions, every_conclusion, judgements
from tests.rails.ending_handlers import said
from tests.rails.jobs import RECORD
from tests.rails.pages import untold
from tests.rails.samples import NOW, full
from tests.rails.source import givers_of, made_in

ENDINGS: tuple[type[Any], ...] = get_args(conclusion.Ending)
WORDS = ending_handlers.WORDS
NOT_IN_A_PROCESS = {Stopping: "a process is killed, and never asked to stop"}


def test_every_class_of_outcome_is_one() -> None:
    found = {kind for _, kind in inspect.getmembers(outcomes, inspect.isclass) if kind.__module__ == outcomes.__name__}
    assert found - {StopReason, Ended, Interrupted} == set(OUTCOMES)


@pytest.mark.parametrize("kind", OUTCOMES)
def test_every_outcome_is_made_by_somebody(kind: type[Any]) -> None:
    assert [path for path in made_in(kind.__name__) if path != "execution/outcome.py"]


@pytest.mark.parametrize("kind", OUTCOMES)
def test_every_outcome_is_judged_and_concluded_under_every_stop(kind: type[Any]) -> None:
    for judged in judgements(kind):
        assert type(judged) in OUTCOMES
        assert all(type(concluded) in get_args(conclusion.Conclusion) for concluded in conclusions(judged))


def test_every_conclusion_is_what_some_outcome_comes_to() -> None:
    assert {type(concluded) for concluded in every_conclusion()} == set(get_args(conclusion.Conclusion)), (
        "conclude() in cqworker/flow/conclusion.py never returns the others"
    )


@pytest.mark.parametrize("reason", StopReason)
def test_every_stop_is_told_by_somebody(reason: StopReason) -> None:
    tellers = {path for path, _ in givers_of("StopReason", reason.name) if not path.startswith("testing/")}
    assert tellers - {"execution/stop_outcomes.py", "flow/conclusion.py"}, f"nobody stops a handler for {reason}"


@pytest.mark.parametrize("kind", ENDINGS)
def test_every_ending_is_written_in_a_status_that_an_attempt_may_end_in(kind: type[Any]) -> None:
    status, _, _ = _ending_in_words(full(kind))
    assert status in SETTLED


def test_the_page_and_the_authors_docstring_tell_of_every_stop() -> None:
    assert [reason for reason in StopReason if f'"{reason}"' not in str(Stopping.__doc__)] == []
    assert untold("stops.md", StopReason) == [], "docs/stops.md"


def test_the_words_of_authors_are_on_the_face_and_on_the_pages() -> None:
    names = {word.__name__ for word in WORDS}
    assert names <= set(cqworker.__all__)
    for page in ("handlers.md", "stops.md"):
        assert untold(page, names, r"\b{}\b") == [], f"docs/{page}"


@pytest.mark.parametrize("word", WORDS)
def test_a_word_of_authors_is_an_outcome_of_its_own(word: type[BaseException]) -> None:
    assert not isinstance(outcome_of(said(word)), Raised), (
        f"outcome_of() in execution/invoke.py knows no {word.__name__}"
    )


@pytest.mark.parametrize("word", [word for word in WORDS if word not in NOT_IN_A_PROCESS])
def test_a_word_of_authors_comes_back_from_a_process_as_it_was_said(word: type[BaseException]) -> None:
    origin = f"{ending_handlers.__name__}:{ending_handlers.say.__name__}"
    ended = run_in_child(origin, f'"{word.__name__}"', full(PlainJob, type="say"))
    with pytest.raises(word) as caught:
        ended.unwrap()
    assert vars(caught.value) == vars(said(word))


@pytest.mark.parametrize("word", WORDS)
async def test_a_word_of_authors_leaves_run_handler_as_it_was_said(word: type[BaseException]) -> None:
    @handler
    async def say(payload: str) -> None:
        raise said(word)

    with pytest.raises(word) as caught:
        await run_handler(say, word.__name__)
    assert vars(caught.value) == vars(said(word))


@pytest.mark.parametrize("word", [word for word in WORDS if "after" in inspect.signature(word).parameters])
@pytest.mark.parametrize("reason", [None, StopReason.DRAIN, StopReason.SILENCE])
def test_the_time_that_a_word_of_authors_asks_for_is_kept(word: type[BaseException], reason: StopReason | None) -> None:
    made: Any = outcome_of(said(word))
    for end in (made, Ended(made, reason)):
        concluded: Any = conclude(
            replace(RECORD, attempt=1, created_at=NOW), judge(end, reason, draining=False, late=0), RULES
        )
        assert concluded.delay == ending_handlers.AFTER
