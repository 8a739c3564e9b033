"""A stop in which nothing wants to end is over in time all the same, with exit code 0."""

from __future__ import annotations

from pathlib import Path

from tests.processes.conftest import Start
from tests.processes.daemon import RUN, until
from tests.processes.hung import REST, half_an_upload, hung
from tests.processes.site import Site

DRAIN = 1


def test_a_stop_ends_in_time_although_lifespan_handler_threads_and_a_request_all_hang(
    site: Site, tmp_path: Path, start: Start
) -> None:
    place, begun = hung(site, tmp_path, DRAIN)
    daemon = start(place, *RUN)
    daemon.submit("hung.deaf", {})
    until(begun.exists)
    with half_an_upload(daemon):
        code, seconds = daemon.stop()
        assert code == 0, daemon.log
        assert seconds < DRAIN + REST
    assert "daemon stopped" in daemon.log
    assert "left behind threads that would not end" in daemon.log
    assert "exporter" in daemon.log
    assert "Traceback" not in daemon.log
