"""A worker started in a folder that others may write to runs nothing that lies there, and neither do its children."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.processes.conftest import WORKER
from tests.processes.daemon import Daemon
from tests.processes.readme import ROOT
from tests.processes.site import Site

pytestmark = pytest.mark.processes
HOSTILE = """\
import os
os.close(os.open({marker!r}, os.O_CREAT | os.O_WRONLY, 0o600))
raise ImportError("this is not the module that was meant")
"""
SAFE_PROGRAM = (sys.executable, "-P", "-m", "cqworker")  # as an installed script: its path has no working directory


def test_a_handler_in_a_process_imports_nothing_from_the_folder_the_worker_was_started_in(
    site: Site, desk: Daemon, tmp_path: Path
) -> None:
    hostile, marker = tmp_path / "hostile", tmp_path / "marker"
    hostile.mkdir()
    for name in ("pickle", "json"):
        (hostile / f"{name}.py").write_text(HOSTILE.format(marker=str(marker)), encoding="utf-8")
    place = site.changed(queues=["hostile"], plugins=(*site.plugins, ROOT))
    worker = Daemon(place.environment(), tmp_path, WORKER, SAFE_PROGRAM, hostile)
    try:
        job = desk.ended(desk.submit("proof.compute", {"seconds": 0}, queue="hostile"))
    finally:
        worker.close()
    assert not marker.exists()
    assert (job["status"], job["attempt"]) == ("SUCCEEDED", 1)
    assert job["result"] != worker.process.pid
