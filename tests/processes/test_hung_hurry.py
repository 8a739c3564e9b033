"""A second signal while nothing wants to end: no lifespan, handler, thread or request holds it up."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.processes.conftest import Start
from tests.processes.daemon import RUN, until
from tests.processes.hung import REST, half_an_upload, hung
from tests.processes.site import Site

pytestmark = pytest.mark.processes


def test_a_second_signal_ends_it_within_two_seconds(site: Site, tmp_path: Path, start: Start) -> None:
    place, begun = hung(site, tmp_path, 25)
    daemon = start(place, *RUN)
    daemon.submit("hung.deaf", {})
    until(begun.exists)
    with half_an_upload(daemon):
        daemon.signal(signal.SIGTERM)
        daemon.supervisor.hears("STOPPING=1")
        code, seconds = daemon.stop()
        assert code == 0, daemon.log
        assert seconds < REST
