"""Fixtures of every folder."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Generator

import pytest

pytest_plugins = ["tests.patience", "tests.engines.fixtures", "tests.sdk_memory", "tests.shared", "tests.spread"]

Tell = Callable[[str], None]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collecting makes a million objects, nearly all of which stay: nobody looks for garbage among them."""
    gc.disable()
    try:
        collected = yield
        _prime_hypothesis()
        gc.freeze()
    finally:
        gc.enable()
    return collected


def _prime_hypothesis() -> None:
    """It looks once who refers to its source of chance, and does not find who is frozen (gc.get_referrers)."""
    if "hypothesis" in sys.modules:
        from hypothesis import given, settings, strategies

        @settings(max_examples=1, database=None)
        @given(strategies.none())
        def draw(_: None) -> None: ...

        draw()


@pytest.fixture(scope="module", autouse=True)
def standing() -> None:
    """What the modules before have left stays, and grows: no garbage collection in a test walks through it.

    Nor through what the collected tests are made of (above); what is garbage of theirs is collected first.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Says a measured figure on the terminal, whether or not the test passes."""

    def say(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n  {line}\n")

    return say
