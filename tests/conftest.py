"""Fixtures of every folder."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

pytest_plugins = ["tests.engines.fixtures", "tests.patience", "tests.sdk_memory", "tests.shared", "tests.spread"]

Tell = Callable[[str], None]


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Says a measured figure on the terminal, whether or not the test passes."""

    def say(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n  {line}\n")

    return say
