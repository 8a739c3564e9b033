"""`cqworker bench`: what a job costs here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cqworker.cli.options import config_option, json_option, settings_from
from cqworker.cli.posix_only import require_posix
from cqworker.enums import ExitCode
from cqworker.errors import CqworkerError

if TYPE_CHECKING:
    from cqworker.cli.bench.results import TrialResult
    from cqworker.cli.bench.trial import TrialPlan
    from cqworker.plugins.registry import Registry
    from cqworker.settings import Settings

DEFAULT_TYPE = "text.transform"
DEFAULT_PAYLOAD = '{"text": "the quick brown fox jumps over the lazy dog"}'


class NothingToRun(CqworkerError):
    """There is no such job type or queue here."""


@click.command()
@click.option("--jobs", type=click.IntRange(1, 100_000), default=500, show_default=True, help="How many.")
@click.option("--concurrency", type=click.IntRange(min=1), help="Jobs at the same time (worker.concurrency).")
@click.option("--type", "type_", default=DEFAULT_TYPE, show_default=True, help="A job type that is installed.")
@click.option("--payload", metavar="JSON", help="Its payload; text.transform has one of its own.")
@click.option("--queue", help="A configured queue, an empty one; else the first.")
@click.option("--yes", is_flag=True, help="Go on although the queue holds messages: they are run, too.")
@json_option
@config_option
def bench(
    jobs: int,
    concurrency: int | None,
    type_: str,
    payload: str | None,
    queue: str | None,
    yes: bool,
    as_json: bool,
    config: Path | None,
) -> int:
    """Submit jobs to the AWS that is configured, run them here, and tell what they cost.

    Real jobs of an existing type on a real queue: the records stay in the table as those of other jobs do. Stop other
    workers of the queue meanwhile, for what they run is not counted.
    """
    require_posix()
    settings = _with_one_queue(settings_from(config, {"worker.concurrency": concurrency}), queue)
    from cqworker.cli.bench.trial import TrialPlan
    from cqworker.plugins.registry import discover

    registry = discover(settings.handlers)
    handler = registry.get(type_)
    if handler is None:
        known = ", ".join(sorted(registry.handlers)) or "none"
        raise NothingToRun(f"There is no job type {type_!r}; known types: {known}. Name one with --type.")
    text = payload or (DEFAULT_PAYLOAD if type_ == DEFAULT_TYPE else "{}")
    handler.validate(text)
    found = _run_trial(settings, registry, TrialPlan(type=type_, payload=text, jobs=jobs, shared=yes))
    _print(found, as_json=as_json)
    return ExitCode.FAILED if found.failed else ExitCode.DONE


def _with_one_queue(settings: Settings, name: str | None) -> Settings:
    """The settings with the one queue that is tried; its dead letters are left to other workers."""
    queue = next((queue for queue in settings.queues if name in (None, queue.name)), None)
    if queue is None:
        known = ", ".join(queue.name for queue in settings.queues)
        raise NothingToRun(f"There is no queue {name!r}; configured queues: {known}.")
    plain: dict[str, object] = {"dead_letter_queue": None, "priorities": (), "weights": ()}
    alone = queue.model_copy(update=plain | {"wait_time": min(1, queue.wait_time)})
    return settings.model_copy(update={"queues": (alone,)})


def _run_trial(settings: Settings, registry: Registry, order: TrialPlan) -> TrialResult:
    """Runs the trial with everything that a daemon has; its log goes nowhere, but is written."""
    from cqworker.cli.bench.counting_observer import CountingObserver
    from cqworker.cli.bench.trial import Trial
    from cqworker.cli.event_loop import run_on_loop
    from cqworker.clock import SystemClock
    from cqworker.daemon.observers import open_observers
    from cqworker.model.ids import worker_name
    from cqworker.observe.fan_out import fan_out
    from cqworker.observe.log import configure

    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        log, counts = configure(settings.log, worker_name(), nowhere), CountingObserver()
        try:
            emit = fan_out(open_observers(registry, log, SystemClock()).emit, counts)
            trial = Trial(settings, registry, order, counts, emit)
            return run_on_loop(trial.run(lambda line: click.echo(line, err=True)))
        finally:
            log.close()


def _print(found: TrialResult, *, as_json: bool) -> None:
    from cqworker.cli.bench.prices import list_prices
    from cqworker.cli.bench.report import report_data, report_lines

    prices = list_prices(os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1")
    if as_json:
        import json

        click.echo(json.dumps(report_data(found, prices), indent=2))
    else:
        click.echo("\n".join(report_lines(found, prices)))
