"""A daemon's collector leaves alone what was there at the start, and a process that only held one is as before."""

from __future__ import annotations

import gc

from cqworker.daemon.gc_tuning import GC_THRESHOLDS, collect_rarely


def test_what_was_made_before_is_not_looked_at_again_and_all_is_undone_at_the_end() -> None:
    usual = gc.get_threshold()
    standing = [[number] for number in range(1000)]
    with collect_rarely():
        assert gc.get_threshold() == GC_THRESHOLDS
        assert gc.get_freeze_count() > len(standing)
        assert not any(one is standing for one in gc.get_objects())
        late: list[object] = []
        assert any(one is late for one in gc.get_objects())
    assert gc.get_threshold() == usual
    assert gc.get_freeze_count() == 0
    assert any(one is standing for one in gc.get_objects())
