"""Who hears a stop before the daemon does, and who keeps what Python and the system do by default."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from cqworker.cli.early_stop import STOP_SIGNALS, exit_on_early_stop


@pytest.fixture(autouse=True)
def defaults() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def heard(*arguments: str) -> bool:
    """Whether all stops, or none, are heard with this command line."""
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    exit_on_early_stop(arguments)
    changed = {old is not signal.getsignal(number) for number, old in zip(STOP_SIGNALS, before, strict=True)}
    assert len(changed) == 1
    return changed.pop()


@pytest.mark.parametrize("arguments", [["run"], ["dev"], ["--debug", "run", "--port", "0"]], ids=" ".join)
def test_a_daemon_hears_stops_from_the_first_moment(arguments: list[str]) -> None:
    assert heard(*arguments)


@pytest.mark.parametrize(
    "arguments", [[], ["--help"], ["demo"], ["submit", "run"], ["jobs", "show", "dev"]], ids=" ".join
)
def test_other_commands_end_by_a_signal_as_programs_do(arguments: list[str]) -> None:
    assert not heard(*arguments)
