"""Words of which there is a closed set stand in one place, and whoever lists them lists them all."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from cqworker.cli.options import role_option
from cqworker.cli.program import program
from cqworker.enums import LEVELS, SCOPES, Executor, ExitCode, Phase, ReceiptAction, Role
from cqworker.execution.outcome import StopReason
from cqworker.model.history import EVENTS
from cqworker.model.status import FailureKind, Status
from cqworker.platform.sd_notify import JOURNAL_PREFIXES
from cqworker.web.problems import URN
from cqworker.web.routes import ROUTES
from tests.rails.pages import untold
from tests.rails.source import collections, history_events, texts

ROOT = Path(__file__).parents[2]
SETS: dict[str, frozenset[str]] = {
    "statuses": frozenset(Status),
    "kinds of failure": frozenset(FailureKind),
    "reasons of a stop": frozenset(StopReason),
    "roles": frozenset(Role),
    "levels": frozenset(LEVELS),
    "scopes": frozenset(SCOPES),
    "executors": frozenset(get_args(Executor)),
    "phases": frozenset(get_args(Phase)),
    "acts on a receipt": frozenset(get_args(ReceiptAction)),
}
PLACE = "enums.py"


@pytest.mark.parametrize("name", SETS)
def test_a_closed_set_is_written_down_once(name: str) -> None:
    copies = [f"cqworker/{path}:{line}" for path, line, words in collections() if words == SETS[name] and path != PLACE]
    assert copies == [], f"the {name} stand in one place already: import them"


def test_the_journal_has_a_mark_for_every_level() -> None:
    assert set(LEVELS) <= JOURNAL_PREFIXES.keys()


def test_every_scope_is_asked_for_by_some_call() -> None:
    assert {call.scope for call in ROUTES} == {*SCOPES, None}


def test_the_help_tells_of_every_exit_code_and_the_unit_of_those_that_a_restart_cannot_mend() -> None:
    assert all(f" {code} " in str(program.help) for code in ExitCode)
    unit = (ROOT / "systemd" / "cqworker.service").read_text(encoding="utf-8")
    assert f"RestartPreventExitStatus={ExitCode.USAGE} {ExitCode.CONFIGURATION}" in unit


def test_the_help_tells_of_every_role() -> None:
    option = role_option(lambda roles: roles).__click_params__[0]  # type: ignore[attr-defined]
    assert option.default == ",".join(Role)
    assert all(f"{role} " in option.help for role in Role)


def test_what_the_type_of_every_problem_begins_with_is_written_down_once() -> None:
    assert {path for path, _, text in texts() if URN in text} == {"web/problems.py"}


def test_the_words_of_a_history_stand_in_one_place_and_on_the_page() -> None:
    assert untold("http.md", EVENTS) == [], "docs/http.md"
    literal = [path for path, event in history_events() if event is not None]
    assert literal == [], "an event of a history is a word of cqworker/model/history.py"
