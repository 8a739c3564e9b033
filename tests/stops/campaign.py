"""Many stops, a few daemons at a time, each on queues of its own."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from cqworker.embedded import EmbeddedAws
from tests.processes.site import Site
from tests.stops.handlers import JOURNAL
from tests.stops.plugin import install
from tests.stops.stop import MANNERS, Stop, stop_once

AT_ONCE = 3
QUEUES = 4
"""Queues of a daemon: a drain waits for the requests of each, so each is a chance to meet the moment."""


async def campaign(aws: EmbeddedAws, folder: Path, stops: int, seed: int, at_once: int = AT_ONCE) -> list[Stop]:
    """So many stops, the manners in turn, so many daemons at a time."""
    manners = iter([manner for manner, _ in zip(itertools.cycle(MANNERS), range(stops), strict=False)])
    plugins = install(folder)
    lines = [_line(aws, _empty(folder / str(number)), plugins, manners, seed + number) for number in range(at_once)]
    return [stop for line in await asyncio.gather(*lines) for stop in line]


def _empty(folder: Path) -> Path:
    folder.mkdir()
    (folder / "journal").touch()
    return folder


async def _line(
    aws: EmbeddedAws, folder: Path, plugins: Sequence[Path], manners: Iterator[str], seed: int
) -> list[Stop]:
    """One daemon after the other, until all stops are made."""
    chance = random.Random(seed)
    site = Site(
        aws=aws.environment,
        queues=[f"stops-{folder.name}-{number}" for number in range(QUEUES)],
        table=f"stops-{folder.name}",
        bucket=f"stops-{folder.name}",
        plugins=plugins,
        extra={JOURNAL: str(folder / "journal")},
    )
    await asyncio.to_thread(site.provision)
    made: list[Stop] = []
    for manner in manners:
        made.append(await stop_once(site, folder, manner, chance))
        await asyncio.to_thread(_forget_jobs, site)
    return made


def _forget_jobs(site: Site) -> None:
    """What was handed back is no work for the next daemon."""
    for url in map(site.url_of, site.queues):
        while messages := site.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                site.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def told(stops: Sequence[Stop]) -> str:
    """The figures in a line."""
    jobs = sum((stop.jobs for stop in stops), Counter[str]())
    failed = sum(stop.trouble is not None for stop in stops)
    slowest = max(stops, key=lambda stop: stop.seconds - stop.allowed)
    manners = ", ".join(f"{name} {count}" for name, count in Counter(stop.manner for stop in stops).items())
    work = ", ".join(f"{count} {name}" for name, count in sorted(jobs.items()))
    return (
        f"{len(stops)} stops ({manners}), {failed} failed; nearest to its limit: {slowest.seconds:.2f} s of "
        f"{slowest.allowed:g} s; in hand: {work}; answers kept back: {sum(stop.kept_back for stop in stops)}"
    )
