"""A job as text for people, with the timeline that explains it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from cqworker.model.priorities import MEDIUM
from cqworker.model.start_times import span_text
from cqworker.model.status import Status

MAX_SHOWN = 400
"""Characters of a payload or result that are shown to people; --json shows all."""
Job = Mapping[str, Any]


def describe_job(job: Job) -> Iterator[str]:
    """The lines that say what a job is, its state, and what happened to it."""
    yield f"Job {job['job_id']} ({printable(job['type'])} on {printable(job['queue'])}) {_state_of(job)}."
    for name, text in _facts(job):
        yield f"  {name:<9} {text}"
    yield "Timeline"
    yield from _timeline(job["history"])


def result_text(job: Job) -> str:
    """The result as JSON, or where it is when it was too big for the record."""
    if "result_ref" in job:
        return f"{job['result_ref']}"
    return json.dumps(job["result"], ensure_ascii=False, indent=2)


def _state_of(job: Job) -> str:
    attempt = f"attempt {job['attempt']} of {job['max_attempts']}"
    failure = _failure(job)
    match _status(job):
        case Status.QUEUED:
            return "waits" + (f" until {_start_of(job)}" if job["scheduled_at"] else " for its start")
        case Status.SCHEDULED:
            return f"is SCHEDULED and waits until {_start_of(job)}"
        case Status.RUNNING:
            asked = f"; a cancel was asked for at {job['cancel_requested_at']}" if job["cancel_requested_at"] else ""
            return f"is RUNNING since {job['started_at']}, {attempt}{asked}"
        case Status.RETRYING:
            return f"is RETRYING, not before {_start_of(job)}: {attempt} ended with {failure}"
        case Status.SUCCEEDED:
            return f"SUCCEEDED in {attempt}{_duration_of(job)}"
        case Status.FAILED:
            return f"FAILED in {attempt}{_duration_of(job)}: {failure}"
        case Status.CANCELLED | Status.BLOCKED | None:
            return f"is {printable(job['status'])}"


def _start_of(job: Job) -> str:
    """When it may start, and how far ahead that is."""
    start = job["scheduled_at"]
    ahead = (datetime.fromisoformat(start) - datetime.now(UTC)).total_seconds() if start else 0
    return f"{start} (in {span_text(ahead)})" if ahead >= 1 else f"{start}"


def _status(job: Job) -> Status | None:
    """None for one that only a newer daemon knows."""
    try:
        return Status(job["status"])
    except ValueError:
        return None


def _facts(job: Job) -> Iterator[tuple[str, str]]:
    if job["round"] > 1:
        yield "round", str(job["round"])
    if job.get("priority", MEDIUM) != MEDIUM:
        yield "priority", printable(str(job["priority"]))
    if job.get("limit_key"):
        yield "limit key", printable(job["limit_key"])
    if "explanation" in job:
        yield "waits", printable(job["explanation"])
    if job["tags"]:
        yield "tags", printable(", ".join(job["tags"]))
    if job["metadata"]:
        yield "metadata", printable(", ".join(f"{name}={value}" for name, value in job["metadata"].items()))
    if "unique_scope" in job:
        yield "unique", printable(job["unique_scope"].replace("_", " "))
    yield "payload", job.get("payload_ref") or _shorten(job["payload"])
    if job["progress"]:
        yield "progress", _progress(job["progress"])
    if job["status"] == Status.SUCCEEDED:
        yield "result", job.get("result_ref") or _shorten(job["result"])


def _timeline(history: list[dict[str, Any]]) -> Iterator[str]:
    for entry in history:
        attempt = f"attempt {entry['attempt']}" if entry["attempt"] else ""
        line = (
            f"  {entry['at']}  {entry['event']:<11} {attempt:<10}  {entry['worker'] or '':<20}  {entry['reason'] or ''}"
        )
        yield printable(line.rstrip())


def _failure(job: Job) -> str:
    failure = job["failure"]
    if not failure:
        return "no reason on record"
    error = failure["detail"]["error"]
    return printable(f"{failure['kind']}: {failure['message'].rstrip('.')}" + (f" ({error})" if error else ""))


def _progress(progress: Mapping[str, Any]) -> str:
    total = f" of {progress['total']:g}" if progress["total"] is not None else ""
    note = f": {progress['note']}" if progress["note"] else ""
    return printable(f"{progress['done']:g}{total}{note}")


def _duration_of(job: Job) -> str:
    if not job["started_at"] or not job["finished_at"]:
        return ""
    took = datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["started_at"])
    return f" after {max(0.0, took.total_seconds()):.3g} s"


def _shorten(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return printable(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}… (--json shows all)")


def printable(text: str) -> str:
    """The text with every unprintable character escaped: text from jobs must not control the terminal."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
