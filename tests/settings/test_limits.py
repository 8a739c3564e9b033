"""The limits in a file: what they say, and what is wrong with one, in words that say how to mend it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cqworker.errors import ConfigurationError
from cqworker.model.limits import Limit, OnFull, Rate
from cqworker.settings import load_settings
from cqworker.settings.limit_settings import limits_of


def at_its_time(text: str) -> str:
    """The text with times for its words: tests are named by the words, alike in all processes that collect them."""
    now = datetime.now(UTC)
    for word, days in (("SOON", 2), ("LATE", 15)):
        text = text.replace(word, (now + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    return text


def limits_in(text: str, tmp_path: Path) -> dict[str, Limit]:
    path = tmp_path / "cqworker.toml"
    path.write_text(text, encoding="utf-8")
    return limits_of(load_settings(path, {}).limits)


def test_a_file_limits_types_queues_tenants_and_keys(tmp_path: Path) -> None:
    text = """
[[queues]]
name = "jobs"
[limits."type:mail.send"]
rate = "100/s"
burst = 20
[limits."queue:jobs"]
concurrency = 50
[limits."tenant:*"]
concurrency = 4
rate = "30/m"
on_full = "drop"
[limits."key:*"]
concurrency = 1
"""
    assert limits_in(text, tmp_path) == {
        "type:mail.send": Limit(rate=Rate(100, "s"), burst=20),
        "queue:jobs": Limit(concurrency=50),
        "tenant:*": Limit(concurrency=4, rate=Rate(30, "m"), on_full=OnFull.DROP),
        "key:*": Limit(concurrency=1),
    }


@pytest.mark.parametrize("until", ["SOON", '"SOON"'])
def test_a_limit_of_nothing_ends_at_its_time(until: str, tmp_path: Path) -> None:
    text = at_its_time(f'[limits."type:mail"]\nconcurrency = 0\nuntil = {until}\n')
    limits = limits_in(text, tmp_path)
    assert limits["type:mail"].concurrency == 0
    assert limits["type:mail"].is_in_force(int(time.time() * 1000))


def test_one_that_has_ended_may_stay_in_the_file(tmp_path: Path) -> None:
    limits = limits_in('[limits."type:mail"]\nconcurrency = 0\nuntil = 2026-01-01T00:00:00Z\n', tmp_path)
    assert not limits["type:mail"].is_in_force(int(time.time() * 1000))


def test_the_environment_gives_them_as_json() -> None:
    variables = {"CQWORKER_LIMITS": '{"type:mail": {"rate": "1/d", "until": "2026-12-03T09:00+01:00"}}'}
    assert limits_of(load_settings(None, variables).limits) == {
        "type:mail": Limit(rate=Rate(1, "d"), until=1_796_284_800_000)
    }


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            '"type:mail"]\nburst = 3',
            'limits."type:mail": limits nothing: give it a concurrency, a rate such as "100/s"',
        ),
        ('"type:mail"]\nconcurrency = 2\nburst = 3', "has a burst and no rate"),
        ('"type:mail"]\nrate = "100 a second"', "'100 a second' is no rate: write starts and a time, as in \"100/s\""),
        ('"type:mail"]\nrate = "20000/s"', "20000/s is too many: a rate is one a day to 10,000 a second"),
        ('"type:mail"]\nconcurrency = -1', "must be a whole number from 0 to 100000"),
        ('"type:mail"]\nconcurrency = true', "true"),
        ('"type:mail"]\nconcurrency = 0', "lets nothing run, and has no end: give it until = "),
        ('"type:mail"]\nconcurrency = 0\nuntil = LATE', "lets nothing run for longer than 14 days: end it by "),
        ('"type:mail"]\nconcurrency = 0\nuntil = SOON\non_full = "drop"', "every job would be CANCELLED"),
        ('"type:mail"]\nconcurrency = 1\nuntil = 2026-01-01T00:00:00', "must be a time with its offset from UTC"),
        ('"type:mail"]\nconcurrency = 1\nuntil = "tomorrow"', "is no time: write a day, a time of day"),
        ('"type:mail"]\nrate = "1/s"\non_full = "queue"', "must be one of wait, drop"),
        ('"type:mail"]\nrates = "1/s"', 'did you mean limits."type:mail".rate?'),
        ('"mail"]\nconcurrency = 1', '"mail" names no limit: name what is limited as "type:<job type>"'),
        ('"key:inbox"]\nconcurrency = 1', '"key:inbox" names no limit: one key is limited while the fleet runs'),
        ('"queue:job"]\nconcurrency = 1', 'the queue "job" of queue:job is not configured; there is cqworker'),
    ],
)
def test_what_is_wrong_with_a_limit_is_said_with_its_remedy(table: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        limits_in(at_its_time(f"[limits.{table}\n"), tmp_path)
    assert said in str(caught.value)
