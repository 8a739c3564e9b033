"""The examples of docs/fleet.md work as they stand."""

from __future__ import annotations

import asyncio
import re
import shlex
import textwrap
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli.running import invoke
from tests.client.shop import open_shop
from tests.web.house import open_house
from tests.web.test_fleet_routes import NAME, with_a_worker

PAGE = (Path(__file__).parents[2] / "docs" / "fleet.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
[COMMANDS] = (text for language, text in BLOCKS if language == "console")
[PROGRAM] = (text for language, text in BLOCKS if language == "python")
WORKER = r"ip-[\d-]+\.\w+:\d+"


async def test_the_commands_of_the_page_are_taken_one_after_the_other() -> None:
    printed = []
    async with open_house() as house:
        await with_a_worker(house)
        for line in COMMANDS.splitlines():
            [program, *words] = shlex.split(re.sub(WORKER, NAME, line.removeprefix("$ ")))
            args = ["main" if word == "cqworker" else word for word in words]
            assert program == "cqworker"
            done = await asyncio.to_thread(invoke, *args, env={"CQWORKER_URL": f"http://127.0.0.1:{house.port}"})
            assert (done.exit_code, done.stderr) == (0, "")
            printed.append(done.stdout)
    workers, quiet, queues, paused, resumed = printed
    assert NAME in workers
    assert quiet.startswith(f"{NAME} was asked to quiet")
    assert queues.splitlines()[1].startswith("main")
    assert paused.startswith("main is paused until 20")
    assert resumed == "main runs as usual.\n"


async def test_the_program_of_the_page_prints_the_workers_and_pauses_a_queue(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with open_shop("over HTTP") as shop:
        await with_a_worker(shop.house)

        class Opened:
            async def __aenter__(self) -> Any:
                return shop.client

            async def __aexit__(self, *_: object) -> None:
                return None

        program = PROGRAM.replace('"cqworker"', '"main"')
        names = {"Client": SimpleNamespace(aws=Opened), "timedelta": timedelta}
        exec(f"async def told():\n{textwrap.indent(program, '    ')}", names)
        await names["told"]()  # type: ignore[operator]
        [queue] = [queue for queue in await shop.client.fleet.queues() if queue["queue"] == "main"]
    assert capsys.readouterr().out.startswith(f"{NAME} running ")
    assert (queue["state"], queue["reason"]) == ("paused", "migration")
