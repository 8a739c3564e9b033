"""A plugin that cannot be used is reported by name, cause and remedy, and takes no other one down."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.plugins.shop import GOOD, Shop


@pytest.fixture
def broken_shop(shop: Shop) -> Iterator[Shop]:
    """A shop whose good handler is found whatever the bad one does."""
    shop.module("acme", GOOD)
    shop.offer("acme-handlers", good="acme:work")
    yield shop
    assert set(shop.found().handlers) == {"good"}


@pytest.mark.parametrize(
    ("source", "value", "cause", "remedy"),
    [
        (None, "bad:work", "There is no module bad", "Correct the entry point"),
        ("", "bad.inner:work", "There is no module bad.inner", "Correct the entry point"),
        ("import numpty.core", "bad:work", "bad needs numpty", "pip install numpty"),
        ("from os import nothing", "bad:work", "cannot import name 'nothing'", 'python -c "import bad"'),
        ("def work(:", "bad:work", "bad cannot be read: SyntaxError", "Correct the source"),
        ("import sys; sys.exit(3)", "bad:work", "ended the process while it was imported (SystemExit: 3)", "Move"),
        ("1 / 0", "bad:work", "ZeroDivisionError: division by zero", 'python -c "import bad"'),
        ("class E(Exception):\n  def __str__(self): 1/0\nraise E", "bad:work", "bad cannot be imported: E.", "bad"),
        ("x = 1", "bad:work", "bad has no work", "Correct the entry point"),
        ("def work(payload: int): ...", "bad:work", "bad:work is a function without @handler", "Decorate it"),
        ("work = 3", "bad:work", "bad:work is an int without @handler", "Decorate it"),
        ("import os as work", "bad:work", "bad:work is a module without @handler", "Decorate it"),
        ("", "bad", "'bad' names no function", "package.module:function"),
        ("", "bad:", "'bad:' names no function", "package.module:function"),
        ("", "bad work!", "'bad work!' names no function", "package.module:function"),
        (GOOD.replace("payload: dict[str, int]", ""), "bad:work", "work takes no payload", "f(payload: Model)"),
        (GOOD.replace(": dict[str, int]", ""), "bad:work", "has no annotation", "pydantic model"),
        (GOOD.replace("@handler", "@handler(timeout=0)"), "bad:work", "ValueError: timeout takes", "disable bad"),
        (f"Gone\n{GOOD}", "bad:work", "NameError", "import bad"),
        (f"from __future__ import annotations\n{GOOD.replace('int]', 'Gone]')}", "bad:work", "NameError", "Import the"),
        ("", "bad:work [extra", "'bad:work [extra' names no function", "package.module:function"),
    ],
)
def test_each_fault_is_reported_with_its_cause_and_its_remedy(
    broken_shop: Shop, source: str | None, value: str, cause: str, remedy: str
) -> None:
    if source is not None:
        broken_shop.module("bad", source)
    broken_shop.offer("bad-handlers", "3.4", bad=value)
    broken = broken_shop.only_fault()
    assert (broken.type, broken.origin, broken.distribution) == ("bad", value, "bad-handlers 3.4")
    assert cause in broken.cause
    assert remedy in broken.remedy


def test_a_function_inside_a_function_cannot_run_in_a_process(broken_shop: Shop) -> None:
    source = "from cqworker import handler\ndef make():\n    @handler(executor='process')\n"
    broken_shop.module("bad", source + "    def work(payload: int): ...\n    return work\nwork = make()\n")
    broken_shop.offer("bad-handlers", bad="bad:work")
    assert "no other process finds it" in broken_shop.only_fault().cause


@pytest.mark.parametrize("name", ["a b", "a/b", "-a", ".a", "ä", "x" * 129])
def test_a_name_that_is_no_job_type_is_reported(broken_shop: Shop, name: str) -> None:
    broken_shop.offer_points("bad-handlers", "3.4", {name: "acme:work"})
    assert broken_shop.only_fault().type == name


def test_a_long_error_is_cut_to_one_line(broken_shop: Shop) -> None:
    broken_shop.module("bad", "raise RuntimeError('line\\n\\x1b[31m' * 10_000)")
    broken_shop.offer("bad-handlers", bad="bad:work")
    cause = broken_shop.only_fault().cause
    assert cause.isprintable()
    assert len(cause) < 400


def test_every_broken_plugin_is_reported(broken_shop: Shop) -> None:
    broken_shop.offer("bad-handlers", one="nowhere:work", two="acme:nothing")
    assert {broken.type for broken in broken_shop.found().broken} == {"one", "two"}
