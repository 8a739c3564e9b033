"""How long records stay."""

from __future__ import annotations

from cqworker.model.retention import Retention
from cqworker.settings import StoreSettings
from tests.model.samples import NOW


def test_a_record_may_be_deleted_so_many_days_after_it_was_written() -> None:
    assert Retention(days=30).purge_at(NOW) == NOW // 1000 + 30 * 24 * 60 * 60


def test_the_fraction_of_a_second_in_which_it_was_written_does_not_count() -> None:
    assert Retention(days=15).purge_at(1_999) == 1 + 15 * 24 * 60 * 60


def test_the_settings_say_it_in_days() -> None:
    assert StoreSettings(retention_days=15).retention == Retention(days=15)
