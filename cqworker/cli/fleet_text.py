"""Workers and queues as text for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from cqworker.cli.job_text import printable
from cqworker.cli.text_table import print_table

View = Mapping[str, Any]
MAX_SHOWN = 5
"""Running jobs of a worker that are named; --json shows all that it told."""
OUTCOMES = ("started", "succeeded", "failed", "cancelled", "retried")
"""What is counted of a type and shown in a row; --json has the rest."""


def to_json(shown: object) -> str:
    """As the API answers it."""
    return json.dumps(shown, ensure_ascii=False, indent=2)


def print_workers(workers: Sequence[View]) -> None:
    """A row each, and the jobs that run."""
    if not workers:
        click.echo("No worker was heard of; one that starts is listed within a second.")
        return
    headings = ("WORKER", "STATE", "BUSY", "QUEUES", "RELEASE", "SEEN", "ASKED")
    print_table(headings, [_row_of(worker) for worker in workers])
    for worker in workers:
        for job in worker["oldest"][:MAX_SHOWN]:
            click.echo(printable(f"  {worker['worker']} runs {job['type']} {job['job_id']} since {job['since']}"))


def print_counts(counted: View) -> None:
    """A row a type: of the workers that there are, then of those that are gone, by day."""
    headings = ("COUNTED", "TYPE", *map(str.upper, OUTCOMES))
    since = counted["since"]
    rows = [*_rows_of(f"since {since}", counted["by_type"])]
    for day, by_type in counted["removed"].items():
        rows += _rows_of(f"gone {day}", by_type)
    if rows:
        print_table(headings, rows)
    else:
        click.echo("No worker counted anything yet.")
    running = [f"{number} {printable(job_type)}" for job_type, number in counted["running"].items()]
    running += [f"{counted['unnamed']} more of any type"] if counted["unnamed"] else []
    click.echo(f"Running: {', '.join(running) or 'nothing'}. As the workers told within the last minute.", err=True)


def print_queues(queues: Sequence[View]) -> None:
    """A row each."""
    headings = ("QUEUE", "STATE", "UNTIL", "WORKERS", "WAITING", "BY", "REASON")
    rows = [
        (
            printable(queue["queue"]),
            queue["state"],
            queue["until"] or "-",
            str(len(queue["workers"])),
            str(queue["messages"].get("visible", "-")),
            printable(queue["by"] or "-"),
            printable(queue["reason"] or "-"),
        )
        for queue in queues
    ]
    print_table(headings, rows)
    for queue in queues:
        for level in queue.get("levels", ()):
            click.echo(f"  {printable(queue['queue'])} {_level_text(level)}")


def _level_text(level: View) -> str:
    waiting = level["messages"].get("visible")
    said = [] if waiting is None else [f"{waiting} waiting"]
    said += [f"oldest {level['oldest']} s"] if level["oldest"] else []
    said += [f"{level['share']:.0%} of all starts" if level["starts"] else "no start"]
    return f"{level['priority']}: {', '.join(said)}"


def queue_text(queue: View) -> str:
    """What holds for a queue from now on, in a sentence."""
    name = printable(queue["queue"])
    until = f" until {queue['until']}" if queue["until"] else " until it is resumed"
    match queue["state"]:
        case "paused":
            return f"{name} is paused{until}: nothing more is received from it, and what runs is finished."
        case "draining":
            return f"{name} takes no new jobs{until}; workers go on."
        case _:
            return f"{name} runs as usual."


def _rows_of(counted: str, by_type: Mapping[str, Mapping[str, int]]) -> list[tuple[str, ...]]:
    return [
        (counted, printable(job_type), *(str(outcomes.get(name, 0)) for name in OUTCOMES))
        for job_type, outcomes in by_type.items()
    ]


def _row_of(worker: View) -> tuple[str, ...]:
    state = f"{worker['state']} (silent)" if worker["is_silent"] else worker["state"]
    asked = worker["command"] or "-"
    return (
        printable(worker["worker"]),
        state,
        f"{worker['slots']['taken']}/{worker['slots']['total']}",
        printable(", ".join(worker["queues"]) or "-"),
        printable(worker["release"]),
        worker["seen"],
        asked if worker["is_acknowledged"] else f"{asked} (not yet heard)",
    )
