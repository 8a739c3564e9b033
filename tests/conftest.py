"""Fixtures of every folder."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

import pytest

pytest_plugins = ["tests.engines.fixtures", "tests.patience", "tests.sdk_memory", "tests.shared", "tests.spread"]

Tell = Callable[[str], None]


@pytest.fixture(scope="module", autouse=True)
def standing() -> None:
    """What thousands of collected tests are made of stays: no garbage collection in a test walks through it.

    Looked after in every module, for some test what the daemon does, which freezes and thaws all there is.
    """
    if gc.get_freeze_count() == 0:
        gc.collect()
        gc.freeze()


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Says a measured figure on the terminal, whether or not the test passes."""

    def say(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n  {line}\n")

    return say
