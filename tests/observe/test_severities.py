"""In the systemd journal each line has its severity; anywhere else no line has a mark."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest
import structlog

from cqworker import events as e
from cqworker.model.status import Status
from cqworker.observe.log import LogObserver, configure
from cqworker.platform.sd_notify import JOURNAL_PREFIXES, journal_prefixes
from cqworker.settings.log_settings import LogSettings
from tests.observe.samples import JOB

Open = Callable[..., IO[bytes]]
SAID = (
    (e.JobStarted(job=JOB, waited=0.1), "<6>"),
    (e.JobSettled(job=JOB, status=Status.SUCCEEDED, seconds=0.1), "<6>"),
    (e.JobSettled(job=JOB, status=Status.RETRYING, seconds=0.1, message="again", retry_in=1.0), "<4>"),
    (e.JobSettled(job=JOB, status=Status.FAILED, seconds=0.1, message="no\nluck"), "<3>"),
    (e.LeaseLost(job=JOB, reason="gone"), "<4>"),
    (e.BackgroundFailed(loop="watch", error="boom", traceback="Traceback\n  one\n  two"), "<3>"),
    (e.ReceiveAnswered(queue="jobs", asked=1, count=0), "<7>"),
)
"""One event of each level and way to a line, and the mark that its lines begin with."""


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[IO[bytes]]:
    with (tmp_path / "journal").open("wb+") as file:
        yield file


def name_of(stream: IO[bytes]) -> str:
    """As systemd puts it into JOURNAL_STREAM."""
    file = os.fstat(stream.fileno())
    return f"{file.st_dev}:{file.st_ino}"


def written(stream: IO[bytes], form: str) -> str:
    """What is in the file after every event of the list was said."""
    settings = LogSettings.model_validate({"format": form, "level": "debug"})
    with closing(configure(settings, "host:77", stream, colors=False)) as log:
        lines = LogObserver(log)
        for event, _ in SAID:
            lines(event)
        try:
            raise RuntimeError("a plugin's own")
        except RuntimeError:
            structlog.get_logger().exception("it broke")
    stream.seek(0)
    return stream.read().decode()


def test_every_json_line_begins_with_its_severity(stream: IO[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", name_of(stream))
    marks = [line[:3] for line in written(stream, "json").splitlines()]
    assert marks == [*(mark for _, mark in SAID), "<3>"]


def test_every_line_of_columns_does_and_those_of_a_traceback_too(
    stream: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", name_of(stream))
    lines = written(stream, "console").splitlines()
    assert [line for line in lines if not re.match(r"<[3467]>", line)] == []
    of_errors = [line for line in lines if line.startswith("<3>")]
    assert any("one" in line for line in of_errors)
    assert any("RuntimeError" in line for line in of_errors)
    assert {mark for _, mark in SAID} <= {line[:3] for line in lines}


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("variable", [None, "", "8:1", "nonsense"])
def test_no_line_has_a_mark_where_the_stream_is_not_the_journals(
    stream: IO[bytes], form: str, variable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable is None:
        monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    else:
        monkeypatch.setenv("JOURNAL_STREAM", variable)
    assert re.search(r"(?m)^<\d>", written(stream, form)) is None


def test_a_stream_that_was_turned_elsewhere_takes_no_marks(
    stream: IO[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", name_of(stream))
    with (tmp_path / "redirected").open("wb+") as other:
        assert re.search(r"(?m)^<\d>", written(other, "json")) is None


def test_a_stream_without_a_file_or_with_a_closed_one_takes_none() -> None:
    assert journal_prefixes(None, {"JOURNAL_STREAM": "8:1"}) == {}
    reader, writer = os.pipe()
    file = os.fstat(writer)
    journal = {"JOURNAL_STREAM": f"{file.st_dev}:{file.st_ino}"}
    assert journal_prefixes(writer, journal) == JOURNAL_PREFIXES
    os.close(reader)
    os.close(writer)
    assert journal_prefixes(writer, journal) == {}


def test_what_the_command_line_says_of_a_wrong_configuration_is_an_error_in_the_journal(tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("wb+") as stderr:
        told = {
            **os.environ,
            "JOURNAL_STREAM": name_of(stderr),
            "CQWORKER_WORKER__CONCURRENCY": "-1",
            "CQWORKER_X": "1",
        }
        done = subprocess.run([sys.executable, "-m", "cqworker", "run"], env=told, stderr=stderr, check=False)
        stderr.seek(0)
        lines = stderr.read().decode().splitlines()
    assert done.returncode == 78
    assert len(lines) >= 2
    assert [line for line in lines if not line.startswith("<3>")] == []
