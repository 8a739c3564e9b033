"""What makes stories of days affordable: nobody looks at what such a story is not about more often than it needs."""

from __future__ import annotations

import pytest

from cqworker.execution import stuck_handlers
from cqworker.flow import dead_letter_poller
from cqworker.health import main_loop_lag
from cqworker.scheduling.sweeper import Pace, Sweeper
from cqworker.testing.host import Host

HOUR = 3600.0
SWEEP = 600.0
"""Seconds between two sweeps, within the quarter of an hour for which a sweep looks ahead."""


def look_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the loops and the dead letters once an hour, at what is due every ten minutes."""
    monkeypatch.setattr(stuck_handlers, "LOOK_EVERY", HOUR)
    monkeypatch.setattr(main_loop_lag, "PULSE_SECONDS", HOUR)
    monkeypatch.setattr(dead_letter_poller, "LOOK_EVERY", HOUR)
    monkeypatch.setattr(Sweeper.__init__, "__defaults__", (Pace(every=SWEEP),))
    monkeypatch.setitem(Host.__init__.__kwdefaults__ or {}, "sweep_every", SWEEP)
