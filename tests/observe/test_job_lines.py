"""The lines of starts and endings are put together from parts, and nobody who reads them can tell."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from cqworker import events as e
from cqworker.model.status import FailureKind, Status
from cqworker.observe.event_wording import ENDINGS, STARTED
from cqworker.observe.job_lines import MAX_MIDDLES
from cqworker.observe.line_renderer import JsonLines
from cqworker.observe.log import LogObserver, configure, fields_of
from cqworker.settings.log_settings import LogSettings
from tests.model.leaks import SECRETS
from tests.observe.conftest import Written
from tests.observe.samples import JOB, subject
from tests.observe.test_sanitize import FORGERIES

OpenLog = Callable[..., Written]
TEXTS = (*FORGERIES, *SECRETS, "", "名前", 'a "quoted" one', "back\\slash", "x" * 600, "x" * 5000, "</script>")
SECONDS = (0.0, -0.0, -1.5, 1e-9, 4e-7, 5e-7, 0.00001, 0.00009999, 0.0001, 0.00012345678, 0.1, 1.0, 1.0000004, 60.25)
LONG_TIMES = (123456.7890125, 999999999.9999999, 1e9, 1e15, 1e16, 1e22, 1e300, float("inf"), float("nan"), 0, 3, 10**20)


def rendered_whole(event: e.JobStarted | e.JobSettled) -> str:
    words = STARTED if isinstance(event, e.JobStarted) else ENDINGS[event.status]
    return JsonLines("host:77").line(words.level, words.event, fields_of(event, words.fields)).decode()


def without_time(lines: str) -> str:
    return re.sub(r'"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z"', '"timestamp":', lines)


def assert_said_as_if_whole(written: Written, *events: e.JobStarted | e.JobSettled) -> None:
    lines = LogObserver(written.log)
    for event in events:
        lines(event)
    assert without_time(written.text) == "".join(without_time(rendered_whole(event)) for event in events)
    assert written.text.count('"timestamp":"') == len(events)


@pytest.mark.parametrize("field", ["job_id", "type", "queue", "tenant", "trace_id"])
def test_whatever_strangers_write_is_said_as_in_a_line_rendered_whole(written: Written, field: str) -> None:
    jobs = [subject(**{field: text}) for text in TEXTS]
    starts = [e.JobStarted(job=job, waited=0.25) for job in jobs]
    assert_said_as_if_whole(written, *starts, *starts)


@pytest.mark.parametrize("seconds", [*SECONDS, *LONG_TIMES])
def test_a_time_is_written_as_in_a_line_rendered_whole(written: Written, seconds: float) -> None:
    ending = e.JobSettled(job=JOB, status=Status.SUCCEEDED, seconds=seconds)
    assert_said_as_if_whole(written, e.JobStarted(job=JOB, waited=seconds), ending)


def test_any_time_is_written_as_in_a_line_rendered_whole(written: Written) -> None:
    chance = random.Random(7)
    times = [chance.random() * 10.0 ** chance.randrange(-7, 10) for _ in range(5000)]
    assert_said_as_if_whole(written, *(e.JobStarted(job=JOB, waited=seconds) for seconds in times))


@pytest.mark.parametrize("status", ENDINGS)
@pytest.mark.parametrize(
    "more", [{}, {"kind": FailureKind.RAISED}, {"message": "it\nbroke"}, {"message": ""}, {"retry_in": 1.5}]
)
def test_every_ending_is_said_as_in_a_line_rendered_whole(
    written: Written, status: Status, more: dict[str, Any]
) -> None:
    assert_said_as_if_whole(written, e.JobSettled(job=JOB, status=status, seconds=0.5, **more))


def test_attempts_rounds_and_numbers_too_long_for_json_are_told_apart(written: Written) -> None:
    jobs = [subject(attempt=attempt, round=number) for attempt in (0, 1, 2, 10**30) for number in (1, 2)]
    assert_said_as_if_whole(written, *(e.JobStarted(job=job, waited=0.25) for job in jobs))


def test_more_tenants_than_are_remembered_are_said_all_the_same(written: Written) -> None:
    jobs = [subject(tenant=f"tenant {number}") for number in range(MAX_MIDDLES + 10)]
    assert_said_as_if_whole(written, *(e.JobStarted(job=job, waited=0.25) for job in (*jobs, *jobs[:10])))


@pytest.mark.parametrize(("now", "told"), [(1_700_000_000, ":20Z"), (1_700_000_000.000123, ":20.000123Z")])
def test_a_time_of_day_is_as_exact_as_in_other_lines(
    written: Written, monkeypatch: pytest.MonkeyPatch, now: float, told: str
) -> None:
    monkeypatch.setattr("time.time_ns", lambda: round(now * 1e6) * 1000)
    LogObserver(written.log)(e.JobStarted(job=JOB, waited=0.25))
    assert written.lines[0]["timestamp"] == f"2023-11-14T22:13{told}"


def test_a_clock_that_is_put_back_is_followed(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = LogObserver(written.log)
    for now in (1_700_000_000, 1_700_000_001, 1_600_000_000):
        monkeypatch.setattr("time.time_ns", lambda now=now: now * 10**9 + 500_000_000)
        lines(e.JobStarted(job=JOB, waited=0.25))
    assert [line["timestamp"][:19] for line in written.lines] == [
        "2023-11-14T22:13:20",
        "2023-11-14T22:13:21",
        "2020-09-13T12:26:40",
    ]


@pytest.mark.parametrize("worker", ["hôte:77", 'a "host"', "Authorization: Bearer s3cr3t", "x" * 3000])
def test_the_name_of_the_worker_is_said_as_in_a_line_rendered_whole(worker: str) -> None:
    stream = io.BytesIO()
    with closing(configure(LogSettings(format="json"), worker, stream)) as log:
        LogObserver(log)(e.JobStarted(job=JOB, waited=0.25))
    whole = JsonLines(worker).line("info", "job started", fields_of(e.JobStarted(job=JOB, waited=0.25), ("waited",)))
    assert without_time(stream.getvalue().decode()) == without_time(whole.decode())


@pytest.mark.parametrize(("level", "said"), [("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_decides_about_these_lines_too(open_log: OpenLog, level: str, said: int) -> None:
    written = open_log(level=level)
    lines = LogObserver(written.log)
    for status in (Status.SUCCEEDED, Status.RETRYING, Status.FAILED):
        lines(e.JobSettled(job=JOB, status=status, seconds=0.5))
    assert len(written.lines) == said
