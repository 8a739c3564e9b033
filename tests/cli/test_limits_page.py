"""The examples of docs/limits.md work as they stand."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import textwrap
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cqworker.model.limits import Limit, OnFull, Rate, rate_from
from cqworker.settings import load_settings
from cqworker.settings.limit_settings import limits_of
from tests.cli.running import invoke
from tests.client.shop import open_shop
from tests.web.house import open_house

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
[WRITTEN] = (text for language, text in BLOCKS if language == "toml")
[COMMANDS] = (text for language, text in BLOCKS if language == "console")
[PROGRAM] = (text for language, text in BLOCKS if language == "python")


ROWS = dict(re.findall(r"^\| (HTTP|Python|command line) \| `(.*)` \|$", PAGE, re.MULTILINE))


def settings_of_the_page(tmp_path: Path) -> Any:
    path = tmp_path / "cqworker.toml"
    path.write_text(WRITTEN, encoding="utf-8")
    return load_settings(path, {}).limits


def test_the_configuration_of_the_page_is_taken(tmp_path: Path) -> None:
    assert limits_of(settings_of_the_page(tmp_path)) == {
        "type:text.transform": Limit(rate=Rate(10, "s"), burst=3),
        "tenant:*": Limit(rate=Rate(600, "m"), on_full=OnFull.DROP),
        "key:*": Limit(concurrency=3),
    }


async def test_the_commands_of_the_page_are_taken_one_after_the_other(tmp_path: Path) -> None:
    printed = []
    async with open_house(limits=settings_of_the_page(tmp_path)) as house:
        for line in COMMANDS.splitlines():
            [program, *args] = shlex.split(line.removeprefix("$ "))
            assert program == "cqworker"
            environment = {"CQWORKER_URL": f"http://127.0.0.1:{house.port}"}
            done = await asyncio.to_thread(invoke, *args, env=environment)
            assert (done.exit_code, done.stderr) == (0, "")
            printed.append(done.stdout)
    listed, changed, paused, resumed, shown = printed
    assert "tenant:*" in listed
    assert changed.startswith("type:text.transform is limited to 5/s, bursts of 5 until 20")
    assert paused.startswith("tenant:acme is paused until 20")
    assert resumed.startswith("tenant:acme is limited to 600/m, bursts of 10.")
    assert json.loads(shown)["concurrency"] == 3


async def test_the_program_of_the_page_prints_how_limits_stand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_shop("straight", limits=settings_of_the_page(tmp_path)) as shop:

        class Opened:
            async def __aenter__(self) -> Any:
                return shop.client

            async def __aexit__(self, *_: object) -> None:
                return None

        names = {"Client": SimpleNamespace(aws=Opened), "timedelta": timedelta}
        exec(f"async def told():\n{textwrap.indent(PROGRAM, '    ')}", names)
        await names["told"]()  # type: ignore[operator]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["key:*", "False", "0"],
        ["tenant:*", "False", "0"],
        ["tenant:acme", "True", "0"],
        ["type:text.transform", "False", "0"],
    ]


def test_the_rates_that_the_page_names_are_rates() -> None:
    assert all(rate_from(text) for text in re.findall(r'"(\d+/[smhd])"', PAGE))


async def test_a_job_is_given_a_limit_key_in_each_of_the_ways() -> None:
    async with open_shop("over HTTP") as shop:
        house = shop.house
        status, over_http = await house.post("/jobs", json=json.loads(ROWS["HTTP"]))
        assert (status, over_http["limit_key"]) == (202, "customer-17")
        names: dict[str, Any] = {"client": shop.client}
        exec(f"async def submitted():\n    return {ROWS['Python']}", names)
        assert (await names["submitted"]()).limit_key == "customer-17"
        [program, *args] = shlex.split(ROWS["command line"])
        done = await asyncio.to_thread(invoke, *args, "--json", env={"CQWORKER_URL": f"http://127.0.0.1:{house.port}"})
        assert (program, json.loads(done.stdout)["limit_key"]) == ("cqworker", "customer-17")
