"""What people type who come from another job system is answered with the word that is right here."""

from __future__ import annotations

import pytest

from cqworker.cli.program import COMMANDS
from cqworker.cli.run import run
from cqworker.cli.submit import submit
from cqworker.suggestions import command_terms
from tests.cli.running import invoke


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("worker", "It is `cqworker run`."),
        ("worker -A acme -l info", "It is `cqworker run`."),
        ("beat", "Nothing is scheduled here"),
        ("enqueue acme.greet", "It is `cqworker submit TYPE '{…}'`."),
        ("list", "It is `cqworker jobs list`."),
        ("purge", "purge the queue in SQS"),
        ("inspect", "It is `cqworker jobs show ID`."),
        ("init", "It is `cqworker provision`."),
        ("jobs ls", "It is `cqworker jobs list`."),
        ("jobs revoke x", "It is `cqworker jobs cancel ID`."),
        ("jobs status x", "It is `cqworker jobs show ID`."),
        ("run -c 4", "It is --concurrency"),
        ("run --workers 4", "It is --concurrency"),
        ("run -l info", "It is --log-level"),
        ("run -Q mail", "[[queues]]"),
        ("run -A acme", "entry points"),
        ("run --burst", "SIGTERM drains"),
        ("run --reload", "start it again"),
        ("--url http://127.0.0.1:1 submit t {}", "It follows the command"),
        ("-A acme worker", "entry points"),
        ("submit t {} --countdown 5", "It is --in, such as --in=90s"),
        ("submit t {} --eta 5", "It is --at, such as --at=2026-12-03T09:00:00+01:00"),
        ("submit t --args [1]", "one JSON object behind the type"),
        ("submit t {} --max-retries 5", "It is --max-attempts"),
        ("submit t {} --task-id 5", "It is --key"),
        ("submit t {} --prio 5", "--priority"),
        ("submit t {} --delay 2min", "write a number and its unit, s, m, h, d or w: 90s, 3d, 1h30m"),
        ("submit t hello", """Write an object, such as '{"name": "Ada"}'"""),
    ],
)
def test_a_word_of_another_system_is_answered_with_the_one_for_it(line: str, meant: str) -> None:
    result = invoke(*line.split())
    assert result.exit_code == 64
    assert meant in " ".join(result.stderr.split())


def test_no_word_of_others_hides_one_of_ours() -> None:
    assert not command_terms.COMMANDS["program"].keys() & COMMANDS.keys()
    for command in (run, submit):
        own = {option for parameter in command.params for option in parameter.opts}
        assert not own & command_terms.OPTIONS[str(command.name)].keys()


@pytest.mark.parametrize("option", ["--limit-key", "--unique-text", "--unique-by"])
def test_an_option_whose_variable_was_empty_is_refused_and_not_left_out(option: str) -> None:
    result = invoke("submit", "t", "{}", option, "", "--url", "http://127.0.0.1:1")
    assert (result.exit_code, f"{option} is empty" in result.stderr) == (64, True), result.stderr
    assert "leave the option out" in result.stderr
