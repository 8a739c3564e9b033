"""Functions called in child processes: what comes back, and what a call may take."""

from __future__ import annotations

import asyncio
import colorsys
import functools
import operator
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cqworker import ProcessDied, ProcessNotStarted, ProcessTimeout
from cqworker.children.calls import call
from cqworker.children.child_pool import ChildPool, open_child_pool
from tests.children.errands import be_odd, limits, pid_after, spin
from tests.patience import scaled

linux = pytest.mark.skipif(sys.platform != "linux", reason="address space is bounded on Linux alone")
MEBIBYTE = 1_048_576


@pytest.fixture
async def children() -> AsyncIterator[ChildPool]:
    async with open_child_pool(3) as children:
        yield children


async def test_a_function_runs_elsewhere_and_its_value_comes_back(children: ChildPool) -> None:
    first, second = [await call(children, os.getpid) for _ in range(2)]
    assert first == second != os.getpid(), "an idle child takes the next call"
    data = os.urandom(20 * MEBIBYTE)
    assert await call(children, bytes, data) == data


async def test_a_child_imports_nothing_from_the_folder_its_program_was_started_in(
    children: ChildPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pickle", "json", "colorsys"):
        (tmp_path / f"{name}.py").write_text("raise SystemError('this is not the module that was meant')\n")
    monkeypatch.chdir(tmp_path)
    assert await call(children, os.getcwd) == str(tmp_path)
    found = await call(children, find_spec, "colorsys")
    assert found is not None
    assert found.origin == colorsys.__file__


async def test_what_it_raises_is_raised_here_with_where_it_happened(children: ChildPool) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        await call(children, operator.floordiv, 1, 0)
    assert "ZeroDivisionError: " in raised.value.__notes__[0]
    with pytest.raises(RuntimeError, match="Odd: one two") as stand_in:
        await call(children, be_odd)
    assert "be_odd" in stand_in.value.__notes__[0]


@pytest.mark.parametrize(
    ("function", "args"), [(lambda: 1, ()), (functools.partial(print, sys.stdout), ()), (len, (open,))]
)
async def test_what_cannot_be_sent_is_refused_with_what_to_do(children: ChildPool, function: Any, args: Any) -> None:
    if function is len:
        args = ((number for number in (1, 2)),)
    with pytest.raises(TypeError, match="Give a function at the top level of a module"):
        await call(children, function, *args)
    assert children.count == 0


async def test_what_cannot_be_sent_back_is_an_error_of_the_call(children: ChildPool) -> None:
    with pytest.raises(TypeError, match="pickle"):
        await call(children, open, os.devnull)
    assert await call(children, abs, -1) == 1


@linux
async def test_memory_and_processor_time_are_bounded_for_one_call(children: ChildPool) -> None:
    before = await call(children, limits)
    with pytest.raises(MemoryError, match="more than the 100 MiB"):
        await call(children, bytes, 500 * MEBIBYTE, memory=100)
    assert len(await call(children, bytes, 10 * MEBIBYTE, memory=100)) == 10 * MEBIBYTE
    during = await call(children, limits, memory=100, cpu_time=50)
    assert during[0] < before[0] or before[0][0] == resource.RLIM_INFINITY != during[0][0]
    assert during[1][0] in (50, 51, 52)
    assert during[2][0] == 0
    assert await call(children, limits) == before
    assert children.count == 1


async def test_a_call_that_takes_too_much_processor_time_ends(children: ChildPool) -> None:
    with pytest.raises(ProcessTimeout, match="processor time"):
        await call(children, spin, cpu_time=0.2)
    assert await call(children, abs, -1) == 1


async def test_a_call_that_takes_too_long_ends_and_its_time_begins_with_its_work(
    children: ChildPool, late_python: float
) -> None:
    assert await call(children, abs, -1, timeout=late_python / 2) == 1
    with pytest.raises(ProcessTimeout, match=r"not ended within 0\.2 s"):
        await call(children, time.sleep, 60, timeout=0.2)


@pytest.fixture
def late_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> float:
    """An interpreter that starts so many seconds later."""
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nsleep 1\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    return 1


@pytest.mark.parametrize(
    ("function", "args", "how"),
    [(os._exit, (3,), "exit code 3"), (sys.exit, (4,), "exit code 4"), (os.abort, (), "SIGABRT")],
)
async def test_a_child_that_ends_in_the_middle_says_how(
    children: ChildPool, function: Any, args: Any, how: str
) -> None:
    with pytest.raises(ProcessDied, match=how):
        await call(children, function, *args)
    assert await call(children, abs, -1) == 1


async def test_an_idle_child_that_somebody_kills_is_reaped_at_once_and_replaced(children: ChildPool) -> None:
    pid = await call(children, os.getpid)
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(scaled(5)):
        while children.count:  # noqa: ASYNC110 - what is waited for is another process
            await asyncio.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert await call(children, os.getpid) != pid


@pytest.mark.parametrize("interpreter", ["/nowhere/python", "/bin/false", ""])
async def test_where_no_child_can_be_started_that_is_said(
    children: ChildPool, interpreter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", interpreter)
    with pytest.raises(ProcessNotStarted):
        await call(children, abs, -1)
    assert children.count == 0


async def test_there_are_never_more_than_allowed_and_who_waits_is_next(children: ChildPool) -> None:
    pids = await asyncio.gather(*(call(children, pid_after, 0.1) for _ in range(9)))
    assert len(set(pids)) == 3
    assert children.count == 3


async def test_an_idle_child_is_ended_after_a_while() -> None:
    children = ChildPool(1, idle=0.1)
    pid = await call(children, os.getpid)
    async with asyncio.timeout(scaled(10)):
        while children.count:  # noqa: ASYNC110 - what is waited for is another process
            await asyncio.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert await call(children, os.getpid) != pid
    await children.close()


async def test_after_its_end_a_pool_makes_no_call() -> None:
    async with open_child_pool(1) as children:
        assert await call(children, abs, -1) == 1
    with pytest.raises(ProcessNotStarted, match="worker closes"):
        await call(children, abs, -1)


@pytest.mark.parametrize("first", ["abs, 1", "import_module, 'multiprocessing.dummy'"])
def test_a_function_of_the_program_itself_can_be_called(first: str, tmp_path: Path) -> None:
    """Whatever was called before: importing multiprocessing gives `__main__` its second name, too."""
    program = tmp_path / "program.py"
    program.write_text(
        "import asyncio\n"
        "from contextlib import suppress\n"
        "from importlib import import_module\n"
        "from cqworker.children.calls import call\n"
        "from cqworker.children.child_pool import open_child_pool\n"
        "class Pair:\n"
        "    def __init__(self, a, b): self.a, self.b = a, b\n"
        "def add(pair): return Pair(pair.a + pair.b, 0)\n"
        "async def main():\n"
        "    async with open_child_pool(1) as children:\n"
        "        with suppress(Exception):\n"
        f"            await call(children, {first})\n"
        "        print((await call(children, add, Pair(1, 2))).a)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n",
        encoding="utf-8",
    )
    run = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("3\n", "")
