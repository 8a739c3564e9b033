"""The two lines that every job has, put together from parts that were rendered before.

They are what JsonLines renders, byte for byte, for a third of the price. Only what differs from job to job is looked at
here: ids made of hexadecimal digits, which hold neither a secret nor a character to escape, and a time.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import orjson

from cqworker.events import Emit, JobRef, JobSettled, JobStarted
from cqworker.model.status import Status
from cqworker.observe.event_wording import EventWording
from cqworker.observe.line_renderer import is_plain

MAX_MIDDLES = 1024
"""Middles of lines kept at once: clients may invent types and tenants without end."""
MAX_PART_BYTES = 512
"""Bytes of one prepared part; two of them, two ids and two times stay below what JsonLines takes for short."""
_are_plain_ids = re.compile(r"[0-9a-f-]{1,128}").fullmatch

Head = tuple[str, str, str]
"""What stands before the time, between it and the job, and between the job and the seconds."""


class JobLines:
    """Writes a start or an ending; one with a part that needs the care of JsonLines is handed on."""

    def __init__(
        self,
        worker: str,
        started: EventWording,
        endings: Mapping[Status, EventWording],
        write: Callable[[bytes], None],
        hand_on: Emit,
        prefixes: Mapping[str, str],
    ) -> None:
        tail = _plain_json({"worker": worker})
        self._tail = f",{tail[1:]}\n" if tail else ""
        self._start = _head(prefixes, started, ',"waited":')
        self._endings = {
            status: _head(prefixes, wording, f',"status":"{status.value}","seconds":')
            for status, wording in endings.items()
        }
        self._write = write
        self._hand_on = hand_on
        self._middles: dict[tuple[str, int, int, str, str], str] = {}
        self._second = (0, "")

    def write_start(self, event: JobStarted) -> None:
        """The line of a start."""
        line = self._line(self._start, event.job, event.waited)
        if line:
            self._write(line)
        else:
            self._hand_on(event)

    def write_ending(self, event: JobSettled) -> None:
        """The line of an ending; one with a reason is rare, holds text of others, and is handed on."""
        line, head = b"", self._endings.get(event.status)
        if head is not None and event.kind is None and not event.message and event.retry_in is None:
            line = self._line(head, event.job, event.seconds)
        if line:
            self._write(line)
        else:
            self._hand_on(event)

    def _line(self, head: Head, job: JobRef, seconds: float) -> bytes:
        """The whole line; empty where a part is not plain."""
        key = (job.type, job.attempt, job.round, job.queue, job.tenant)
        middle = self._middles.get(key)
        if middle is None:
            middle = self._keep_middle(key)
        job_id, trace_id, tail = job.job_id, job.trace_id, self._tail
        if not (middle and tail and type(seconds) is float and _are_plain_ids(f"{job_id}{trace_id}")):
            return b""
        prefix, front, back = head
        line = f'{prefix}{self._timestamp()}{front}{job_id}{middle}{trace_id}"{back}{_seconds_text(seconds)}{tail}'
        return line.encode()

    def _timestamp(self) -> str:
        """The line's beginning; as orjson writes a time, which leaves out a fraction of nothing."""
        now = time.time_ns() // 1000
        second, begun = self._second
        fraction = now - second
        if not 0 <= fraction < 1_000_000:
            fraction = now % 1_000_000
            begun = f'{{"timestamp":"{datetime.fromtimestamp(now // 1_000_000, UTC):%Y-%m-%dT%H:%M:%S}'
            self._second = (now - fraction, begun)
        return f"{begun}.{str(1_000_000 + fraction)[1:]}" if fraction else begun

    def _keep_middle(self, key: tuple[str, int, int, str, str]) -> str:
        """What stands between the job's id and its trace's; empty where it cannot be taken as it is."""
        fields = dict(zip(("type", "attempt", "round", "queue", "tenant"), key, strict=True))
        rendered = _plain_json(fields)
        middle = f'",{rendered[1:-1]},"trace_id":"' if rendered else ""
        if len(self._middles) >= MAX_MIDDLES:
            self._middles.clear()
        self._middles[key] = middle
        return middle


def _plain_json(fields: Mapping[str, object]) -> str:
    """The fields as JSON; empty where that is long or must be looked at more closely."""
    try:
        rendered = orjson.dumps(fields)
    except (TypeError, ValueError):
        return ""
    return rendered.decode() if len(rendered) <= MAX_PART_BYTES and is_plain(rendered) else ""


def _head(prefixes: Mapping[str, str], wording: EventWording, back: str) -> Head:
    return prefixes.get(wording.level, ""), f'Z","level":"{wording.level}","event":"{wording.event}","job_id":"', back


def _seconds_text(seconds: float) -> str:
    """As orjson writes it, rounded to microseconds; what it would write with an exponent is left to it."""
    if 0.0001 <= seconds < 1e9:
        text = f"{seconds:.6f}".rstrip("0")
        return text + "0" if text[-1] == "." else text
    return orjson.dumps(round(seconds, 6)).decode()
