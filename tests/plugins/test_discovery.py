"""Handlers are found through entry points, chosen and tuned by the settings."""

from __future__ import annotations

import sys

import pytest

from cqworker import Backoff
from cqworker.errors import PluginConflict
from cqworker.plugins.registry import discover, registry_of
from cqworker.settings import BackoffSettings, HandlerSettings, TypeSettings
from tests.plugins.shop import GOOD, Shop


def test_an_offered_handler_is_usable_and_says_where_it_comes_from(shop: Shop) -> None:
    shop.module("acme", GOOD)
    shop.offer("acme-handlers", numbers__add="acme:work")
    found = shop.found().handlers["numbers.add"]
    assert (found.type, found.origin) == ("numbers.add", "acme:work")
    assert (found.distribution, found.version, found.description) == ("acme-handlers", "1.2", "Adds up.")
    assert found.function({"a": 1, "b": 2}) == 3


def test_a_handler_nested_in_a_class_of_its_module_is_found(shop: Shop) -> None:
    room = "class Room:\n    @staticmethod\n    @handler\n    def work(payload: int): ...\n"
    shop.module("acme", f"from cqworker import handler\n{room}")
    shop.offer("acme-handlers", it="acme:Room.work")
    assert "it" in shop.found().handlers


def test_with_no_settings_everything_that_is_installed_is_used(shop: Shop) -> None:
    shop.module("acme", GOOD)
    shop.offer("acme-handlers", one="acme:work", two="acme:work")
    assert {"one", "two"} <= set(discover(HandlerSettings()).handlers)


def test_only_enabled_types_are_used_and_nothing_else_is_imported(shop: Shop) -> None:
    shop.module("acme", GOOD)
    shop.module("idle", "raise RuntimeError('imported')")
    shop.offer("acme-handlers", one="acme:work", two="idle:work")
    registry = shop.found(enabled=("one",))
    assert set(registry.handlers) == {"one"}
    assert registry.broken == ()
    assert "idle" not in sys.modules


def test_a_disabled_type_is_not_imported_even_when_it_is_enabled(shop: Shop) -> None:
    shop.module("acme", GOOD)
    shop.module("idle", "raise RuntimeError('imported')")
    shop.offer("acme-handlers", one="acme:work", two="idle:work")
    registry = shop.found(disabled=("two",))
    assert set(registry.handlers) == {"one"}
    assert registry.broken == ()


def test_what_the_operator_says_goes_before_what_the_author_said(shop: Shop) -> None:
    shop.module("acme", GOOD)
    shop.offer("acme-handlers", it="acme:work")
    told = TypeSettings(
        queue="slow",
        timeout=7,
        max_attempts=2,
        concurrency=3,
        backoff=BackoffSettings(first=5, factor=3, cap=60),
        memory=99,
    )
    found = shop.found(types={"it": told}).handlers["it"]
    assert (found.queue, found.timeout, found.max_attempts, found.concurrency) == ("slow", 7, 2, 3)
    assert (found.backoff, found.memory) == (Backoff(first=5, factor=3, cap=60), 99)


def test_what_the_operator_leaves_out_stays_as_the_author_said(shop: Shop) -> None:
    shop.module("acme", GOOD.replace("@handler", "@handler(timeout=9, max_attempts=4, concurrency=2)"))
    shop.offer("acme-handlers", it="acme:work")
    found = shop.found(types={"it": TypeSettings(queue="slow")}).handlers["it"]
    assert (found.queue, found.timeout, found.max_attempts, found.concurrency) == ("slow", 9, 4, 2)
    assert (found.backoff, found.memory) == (Backoff(), None)


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"types": {"numbers.ad": TypeSettings()}}, "[handlers.types]"),
        ({"disabled": ("numbers.ad",)}, "[handlers] disabled"),
        ({"enabled": ("numbers.add", "numbers.ad")}, "[handlers] enabled"),
    ],
)
def test_settings_for_a_type_that_nobody_offers_are_reported(shop: Shop, settings: object, place: str) -> None:
    shop.module("acme", GOOD)
    shop.offer("acme-handlers", numbers__add="acme:work")
    registry = shop.found(**settings)  # type: ignore[arg-type]
    [broken] = registry.broken
    assert (broken.type, broken.origin, broken.remedy) == ("numbers.ad", place, "Did you mean numbers.add?")
    assert set(registry.handlers) == {"numbers.add"}


def test_settings_for_a_disabled_type_are_no_fault(shop: Shop) -> None:
    shop.module("acme", GOOD)
    shop.offer("acme-handlers", one="acme:work", two="acme:work")
    assert shop.found(disabled=("two",), types={"two": TypeSettings(timeout=1)}).broken == ()


def test_two_objects_that_claim_one_type_stop_the_start_with_both_names(shop: Shop) -> None:
    for name in ("acme", "umbrella"):
        shop.module(name, GOOD)
        shop.offer(f"{name}-handlers", numbers__add=f"{name}:work")
    with pytest.raises(PluginConflict) as conflict:
        shop.found()
    [fault] = conflict.value.faults
    for name in ("numbers.add", "acme:work (acme-handlers 1.2)", "umbrella:work (umbrella-handlers 1.2)"):
        assert name in fault
    assert "pip uninstall" in fault
    assert 'disabled = ["numbers.add"]' in fault


def test_every_conflict_is_named_at_once(shop: Shop) -> None:
    for name in ("acme", "umbrella"):
        shop.offer(f"{name}-handlers", one=f"{name}:work", two=f"{name}:work")
    with pytest.raises(PluginConflict) as conflict:
        shop.found()
    assert len(conflict.value.faults) == 2


def test_a_conflict_about_a_disabled_type_is_none(shop: Shop) -> None:
    for name in ("acme", "umbrella"):
        shop.offer(f"{name}-handlers", numbers__add=f"{name}:work")
    assert shop.found(disabled=("numbers.add",)).handlers == {}


def test_one_object_offered_by_two_distributions_counts_once(shop: Shop) -> None:
    shop.module("acme", GOOD)
    for name in ("acme", "acme-bundle"):
        shop.offer(name, numbers__add="acme:work")
    registry = shop.found()
    assert set(registry.handlers) == {"numbers.add"}
    assert registry.broken == ()


def test_the_registry_knows_its_largest_limits() -> None:
    from cqworker import handler

    def work(payload: int) -> None: ...
    def more(payload: int) -> None: ...

    registry = registry_of(
        one=handler(timeout=5, max_attempts=20)(work), two=handler(timeout=900, max_attempts=2)(more)
    )
    assert (registry.largest_max_attempts, registry.longest_timeout) == (20, 900)
    assert registry.get("three") is None
