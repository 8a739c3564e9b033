"""`cqworker workers` and `cqworker queues`, for people and for scripts."""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import Result

from cqworker.events.fleet_events import QueueOrdered
from cqworker.settings.limit_settings import LimitSettings
from cqworker.testing.memory_listing import MemoryListing
from tests.cli.running import invoke
from tests.web.house import House
from tests.web.house import open_house as opened
from tests.web.test_fleet_routes import NAME, with_a_worker


async def asked(house: House, *args: str) -> Result:
    return await asyncio.to_thread(invoke, *args, env={"CQWORKER_URL": f"http://127.0.0.1:{house.port}"})


async def test_workers_are_a_table_with_what_they_run() -> None:
    async with opened() as house:
        empty = await asked(house, "workers")
        await with_a_worker(house, release="2026.1")
        shown = await asked(house, "workers")
        as_json = await asked(house, "workers", "--json")
    assert "No worker was heard of" in empty.stdout
    headings, worker, running = shown.stdout.splitlines()
    assert headings.split() == ["WORKER", "STATE", "BUSY", "QUEUES", "RELEASE", "SEEN", "ASKED"]
    assert worker.startswith(f"{NAME}  running  1/4   main, more  2026.1")
    assert "runs text.transform 0193a5b2" in running
    assert json.loads(as_json.stdout)[0]["worker"] == NAME


async def test_jobs_are_counted_by_type_and_outcome() -> None:
    async with opened() as house:
        empty = await asked(house, "workers", "counts")
        await with_a_worker(house, busy=3, counts={"text.transform": {"started": 5, "succeeded": 4}})
        shown = await asked(house, "workers", "counts", "--days", "2")
        as_json = await asked(house, "workers", "counts", "--json")
    assert empty.stdout == "No worker counted anything yet.\n"
    headings, row = shown.stdout.splitlines()
    assert headings.split() == ["COUNTED", "TYPE", "STARTED", "SUCCEEDED", "FAILED", "CANCELLED", "RETRIED"]
    assert row.split()[2:] == ["text.transform", "5", "4", "0", "0", "0"]
    assert shown.stderr.startswith("Running: 1 text.transform, 2 more of any type.")
    assert json.loads(as_json.stdout)["by_type"] == {"text.transform": {"started": 5, "succeeded": 4}}


async def test_a_list_of_what_runs_says_how_many_no_worker_names(monkeypatch: pytest.MonkeyPatch) -> None:
    async def missing(*_: object) -> None:
        """There is no such index."""

    monkeypatch.setattr(MemoryListing, "page", missing)
    async with opened() as house:
        await with_a_worker(house, busy=3)
        shown = await asked(house, "jobs", "list", "--status", "RUNNING")
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert "2 more run: each worker names the 32 that it has run for longest." in shown.stderr


@pytest.mark.parametrize("command", ["quiet", "resume", "drain"])
async def test_a_worker_is_asked_by_its_name(command: str) -> None:
    async with opened() as house:
        await with_a_worker(house)
        told = await asked(house, "workers", command, NAME)
        shown = await asked(house, "workers")
        as_json = await asked(house, "workers", command, NAME, "--json")
        wrong = await asked(house, "workers", command, "nobody")
    assert told.stdout == f"{NAME} was asked to {command}; it hears of it with its next heartbeat.\n"
    assert f"{command} (not yet heard)" in shown.stdout
    assert json.loads(as_json.stdout)["command"] == command
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    assert "No worker nobody is alive" in wrong.stderr


async def test_a_queue_is_paused_drained_and_resumed() -> None:
    async with opened() as house:
        paused = await asked(house, "queues", "pause", "main", "--for", "30m", "--reason", "migration")
        shown = await asked(house, "queues")
        drained = await asked(house, "queues", "drain", "main")
        resumed = await asked(house, "queues", "resume", "main", "--json")
        told = [event for event in house.events if isinstance(event, QueueOrdered)]
    assert paused.stdout.startswith("main is paused until 20")
    assert shown.stdout.splitlines()[1].split()[:2] == ["main", "paused"]
    assert shown.stdout.splitlines()[1].endswith("migration")
    assert drained.stdout == "main takes no new jobs until it is resumed; workers go on.\n"
    assert json.loads(resumed.stdout)["state"] == "running"
    assert [event.reason for event in told] == ["migration", "", ""]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "A pause needs an end"),
        (("--for", "30"), "write it like 90s, 30m or 2h"),
        (("--for", "0s"), "not within 24h"),
        (("--for", "25h"), "not within 24h"),
        (("--for", "20d"), "not within 24h"),
        (("--for", "soon"), "write it like 90s, 30m or 2h"),
    ],
)
async def test_a_pause_that_is_not_well_said_is_wrong_usage(args: tuple[str, ...], said: str) -> None:
    async with opened() as house:
        result = await asked(house, "queues", "pause", "main", *args)
    assert result.exit_code == 64
    assert said in result.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("set", "--rate", "1/s", "--for", "20d"), "bursts of 1 until 20"),
        (("set", "--rate", "1/s", "--for", "1h30m"), "bursts of 1 until 20"),
        (("pause", "--for", "1h30m"), "is paused until 20"),
    ],
)
async def test_a_limit_lasts_as_long_as_is_said(args: tuple[str, ...], said: str) -> None:
    async with opened() as house:
        [act, *options] = args
        result = await asked(house, "limits", act, "type:mail", *options)
    assert (result.exit_code, result.stderr) == (0, "")
    assert said in result.stdout


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("pause", "--for", "20d"), 64, "not within 24h; what nobody lifts is an outage"),
        (("set", "--rate", "1/s", "--for", "0s"), 64, "is over at once; leave it out"),
        (("set", "--rate", "1/s", "--for", "soon"), 64, "write it like 90s, 30m or 2h"),
        (("set", "--concurrency", "0", "--for", "20d"), 1, "is more than 24 hours ahead"),
    ],
)
async def test_a_time_that_a_limit_cannot_last_is_told_with_the_bound(
    args: tuple[str, ...], code: int, said: str
) -> None:
    async with opened() as house:
        [act, *options] = args
        result = await asked(house, "limits", act, "type:mail", *options)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr


async def test_a_queue_that_nobody_knows_is_told_with_those_that_there_are() -> None:
    async with opened() as house:
        result = await asked(house, "queues", "pause", "mian", "--for", "1h")
    assert result.exit_code == 1
    assert "there are main" in result.stderr


async def test_limits_are_a_table_and_one_of_them_is_set_paused_and_resumed() -> None:
    async with opened(limits={"type:mail": LimitSettings(concurrency=4, rate="10/s")}) as house:
        listed = await asked(house, "limits", "list")
        changed = await asked(house, "limits", "set", "type:mail", "--rate", "5/m", "--for", "2h", "--reason", "slow")
        paused = await asked(house, "limits", "pause", "tenant:acme", "--for", "30m", "--reason", "abuse")
        shown = await asked(house, "limits")
        one = await asked(house, "limits", "show", "key:inbox-7", "--tenant", "acme")
        resumed = await asked(house, "limits", "resume", "tenant:acme")
        as_json = await asked(house, "limits", "resume", "type:mail", "--json")
    headings, mail = listed.stdout.splitlines()
    assert headings.split("  ")[0] == "KEY"
    assert mail.startswith("type:mail  4 at once and 10/s, bursts of 10  0     0        -      now")
    assert changed.stdout.startswith("type:mail is limited to 4 at once and 5/m, bursts of 1 until 20")
    assert paused.stdout.startswith("tenant:acme is paused until 20")
    assert paused.stdout.endswith("no job of it starts, and what runs is finished.\n")
    acme, mail = shown.stdout.splitlines()[1:]
    assert (acme.split()[:2], acme.split()[-1]) == (["tenant:acme", "paused"], "abuse")
    assert mail.endswith("slow")
    assert one.stdout == "key:inbox-7 of acme is not limited.\n"
    assert resumed.stdout == "tenant:acme is not limited.\n"
    assert json.loads(as_json.stdout)["rate"] == "10/s"


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("set", "type:mail"), 64, "Give --concurrency, --rate, or both"),
        (("set", "type:mail", "--concurrency", "-1"), 64, "--concurrency"),
        (("pause", "type:mail"), 64, "A pause needs an end"),
        (("set", "type:mail", "--rate", "fast"), 1, "is no rate: write starts and a time"),
        (("set", "mail", "--rate", "1/s"), 1, "'mail' is no key: name a type"),
        (("set", "type:mail", "--concurrency", "0"), 1, "A pause needs an end"),
    ],
)
async def test_a_limit_that_is_not_well_said_is_told_with_its_remedy(
    args: tuple[str, ...], code: int, said: str
) -> None:
    async with opened() as house:
        result = await asked(house, "limits", *args)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr


async def test_where_nothing_is_limited_the_list_says_how_to_begin() -> None:
    async with opened() as house:
        result = await asked(house, "limits")
    assert "Nothing is limited" in result.stdout
