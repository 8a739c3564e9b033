"""The systemd unit is valid, hardened, and leaves the drain the time it may take."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cqworker.settings import WorkerSettings

UNIT = Path(__file__).parents[2] / "systemd" / "cqworker.service"
EXPOSURE_LIMIT = 12  # tenths, as systemd counts; what is left is the network the daemon needs
CONFIGURATION = "/etc/cqworker"
WRITABLE = {"StateDirectory": "cqworker", "CacheDirectory": "cqworker", "RuntimeDirectory": "cqworker"}
OPENING = ("ReadWritePaths", "BindPaths", "ConfigurationDirectory", "LogsDirectory", "TemporaryFileSystem")
"""Settings that give a service somewhere to write (systemd.exec(5)), besides those above and the private /tmp."""

with_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing (Debian package systemd)"
)


def setting(name: str) -> str:
    """The value of a setting that may stand in the unit only once."""
    [value] = re.findall(rf"(?m)^{name}=(.*)$", UNIT.read_text(encoding="utf-8"))
    return str(value)


def settings() -> dict[str, list[str]]:
    """Every setting of the unit with all its values, in order."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"(?m)^(\w+)=(.*)$", UNIT.read_text(encoding="utf-8")):
        found.setdefault(name, []).append(value)
    return found


def analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Judges a copy of the unit whose program exists on this machine, for systemd looks for it."""
    copy = folder / UNIT.name
    text = UNIT.read_text(encoding="utf-8").replace("/opt/cqworker/bin/cqworker", shutil.which("true") or "/bin/true")
    copy.write_text(text, encoding="utf-8")
    return subprocess.run(
        ["systemd-analyze", *arguments, str(copy)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@with_systemd
def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    judged = analyze(tmp_path, "verify", "--man=no")
    assert (judged.returncode, judged.stderr) == (0, "")


@with_systemd
def test_systemd_counts_the_unit_as_hardened(tmp_path: Path) -> None:
    judged = analyze(tmp_path, "security", "--offline=true", f"--threshold={EXPOSURE_LIMIT}", "--no-pager")
    assert judged.returncode == 0, judged.stdout.splitlines()[-1:]


def test_the_drain_fits_into_the_time_systemd_waits() -> None:
    drain = WorkerSettings().drain_timeout
    assert drain + 2 < float(setting("TimeoutStopSec"))


def test_systemd_is_told_when_the_daemon_is_ready_and_notices_when_it_hangs() -> None:
    assert setting("Type") == "notify"
    assert int(setting("WatchdogSec")) > 0
    assert setting("WatchdogSignal") == "SIGABRT"


def test_usage_and_configuration_faults_are_not_restarted() -> None:
    assert setting("Restart") == "always"
    assert set(setting("RestartPreventExitStatus").split()) == {"64", "78"}


def test_worker_processes_are_not_killed_before_the_daemon_has_drained() -> None:
    assert setting("KillMode") == "mixed"


def test_a_child_that_the_kernel_kills_for_its_memory_leaves_the_worker_running() -> None:
    assert setting("OOMPolicy") == "continue"


def test_it_starts_the_program_where_the_image_has_it_too() -> None:
    assert setting("ExecStart") == "/opt/cqworker/bin/cqworker run"


def test_no_job_can_write_the_workers_configuration() -> None:
    given = settings()
    assert given["ProtectSystem"] == ["strict"]
    assert f"-{CONFIGURATION}" in given["ReadOnlyPaths"]
    assert given["EnvironmentFile"] == [f"-{CONFIGURATION}/cqworker.env"]


def test_a_job_can_write_to_state_cache_and_runtime_directory_and_nowhere_else() -> None:
    given = settings()
    assert [name for name in OPENING if name in given] == []
    assert {name: " ".join(given[name]) for name in WRITABLE} == WRITABLE
    assert (given["PrivateTmp"], given["ProtectHome"]) == (["yes"], ["yes"])


def test_nothing_that_a_job_left_behind_is_read_as_the_next_starts_home() -> None:
    variables = dict(word.split("=", 1) for line in settings()["Environment"] for word in line.split())
    assert variables["HOME"] == "/tmp", "PrivateTmp: empty at every start"
    assert variables["PYTHONSAFEPATH"] == "1", "the working directory is the jobs' state"
