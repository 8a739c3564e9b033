"""How long a test waits before it takes something for hung: the slower the machine, the longer.

Only guards are scaled so. A time that a promise names is judged on the virtual clock or by tests.stopwatch.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

QUIET = 0.0026
"""Seconds that `_work` takes on a core of its own of the year 2023."""
ANEW = 5.0
"""Seconds for which the speed of a core is taken as it was measured."""


def _work() -> float:
    began, total = time.perf_counter(), 0
    for number in range(50_000):
        total += number * number % 7
    return time.perf_counter() - began


class Machine:
    """Measures how many times longer than alone on a quiet machine a process takes here and now."""

    def __init__(self, measure: Callable[[], float], runnable: Callable[[], int], cores: int) -> None:
        self._measure = measure
        self._runnable = runnable
        self._cores = cores
        self._core = 1.0
        self._until = 0.0
        self._crowd = 1.0

    def slowness(self) -> float:
        """1.0 on a quiet machine: how much slower a core is, times how many want one; looks at both again."""
        now = time.monotonic()
        if now >= self._until:
            self._core = max(1.0, min(self._measure() for _ in range(3)) / QUIET)
            self._until = now + ANEW
        self._crowd += (max(1.0, self._runnable() / self._cores) - self._crowd) / 4
        return self._core * self._crowd


def _wanting_a_core() -> int:
    """Tasks that run or would like to (proc(5), /proc/loadavg): those of the whole machine."""
    try:
        return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0])
    except (OSError, IndexError, ValueError):
        return round(os.getloadavg()[0])


slowness = Machine(_work, _wanting_a_core, os.cpu_count() or 1).slowness


def scaled(seconds: float) -> float:
    """A guard of so many seconds on a quiet machine, as long as it has to be on this one now."""
    return seconds * slowness()


class Patience:
    """Seconds of a quiet machine that may pass; a slow one spends them slowly."""

    def __init__(self, seconds: float, measure: Callable[[], float] = slowness) -> None:
        self._left = seconds
        self._measure = measure
        self._looked = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Look often: what has passed since the last look is counted by what the machine is like now."""
        now = time.monotonic()
        self._left -= (now - self._looked) / self._measure()
        self._looked = now
        return self._left < 0


def until(condition: Callable[[], object], patience: float = 30.0) -> None:
    """Waits until the condition holds; raises TimeoutError when it does not come to within `patience`, scaled.

    Who has waited long is looked after less often: a look may be a request to a daemon, which costs what it waits for.
    """
    waiting, began = Patience(patience), time.monotonic()
    while not condition():
        if waiting.is_over:
            raise TimeoutError(f"it did not come true within {patience:g} s, nor within what this machine may add")
        time.sleep(min(0.25, max(0.02, (time.monotonic() - began) / 10)))


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> object:
    """The limit of a whole test grows like every other guard."""
    plugin = item.config.pluginmanager.get_plugin("timeout")
    assert plugin is not None
    return plugin.pytest_timeout_set_timer(item, settings._replace(timeout=scaled(settings.timeout)))


@pytest.fixture(scope="session", autouse=True)
def measured() -> None:
    """The first look at the machine is before the first test."""
    slowness()
