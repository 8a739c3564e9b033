"""The README's plugin, installed by pip into a fresh environment, is found there and runs; a broken one is named."""

from __future__ import annotations

import json
import site as interpreter
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import scaled
from tests.processes.daemon import RUN, Daemon
from tests.processes.readme import ROOT, plugin_files
from tests.processes.site import Site

pytestmark = pytest.mark.processes

BROKEN = {
    "pyproject.toml": """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "broken-handlers"
version = "2.0"

[project.entry-points."cqworker.handlers"]
"broken.thing" = "broken_handlers:thing"
""",
    "broken_handlers/__init__.py": "import a_library_that_nobody_has\n",
}


def written(files: dict[str, str], folder: Path) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return str(folder)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with cqworker and both plugins in it.

    It borrows this one's libraries through a .pth file, so that nothing is downloaded; what pip installs goes first.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text("\n".join(interpreter.getsitepackages()))
    fresh = folder / "bin" / "python"
    plugins = [
        written(plugin_files(), tmp_path_factory.mktemp("plugin")),
        written(BROKEN, tmp_path_factory.mktemp("broken")),
    ]
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [str(fresh), "-m", "pip", "install", "--quiet", *offline, str(ROOT), *plugins]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=scaled(50))
    assert done.returncode == 0, done.stderr
    assert (packages / "cqworker" / "__init__.py").exists(), "cqworker itself lies in the fresh environment"
    return fresh


@pytest.fixture(scope="module")
def listed(python: Path, site: Site) -> str:
    command = [str(python.with_name("cqworker")), "handlers", "list"]
    done = subprocess.run(command, env=site.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_plugin_is_listed_beside_the_handlers_that_come_along(listed: str) -> None:
    [line] = [line for line in listed.splitlines() if line.startswith("acme.greet")]
    assert "acme-handlers 1.0" in line
    assert "acme_handlers:greet" in line
    assert "text.transform" in listed


def test_a_broken_plugin_is_reported_by_name_and_cause(listed: str) -> None:
    [line] = [line for line in listed.splitlines() if line.startswith("BROKEN")]
    assert line.startswith("BROKEN broken.thing (broken_handlers:thing, broken-handlers 2.0)")
    assert "a_library_that_nobody_has" in line


@pytest.fixture(scope="module")
def daemon(python: Path, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    place = site.changed(queues=["plugins"])
    place.provision()
    program = (str(python.with_name("cqworker")),)  # `python -m` would find the sources in the working directory
    started = Daemon(place.environment(), tmp_path_factory.mktemp("log"), RUN, program)
    yield started
    started.close()


def test_its_payload_errors_come_back_at_submission(daemon: Daemon) -> None:
    answer = daemon.post("/jobs", {"type": "acme.greet", "payload": {"nam": "Ada"}})
    assert answer.status == 422
    assert [fault["pointer"] for fault in answer.body["errors"]] == ["/payload/name"]


def test_its_jobs_run(daemon: Daemon) -> None:
    job = daemon.ended(daemon.submit("acme.greet", {"name": "Ada"}))
    assert (job["status"], job["result"]) == ("SUCCEEDED", {"greeting": "Hello Ada!"})
    assert '"greeting"' in daemon.log, "what a handler logs stands in the daemon's log"


def test_a_job_of_a_broken_type_is_refused_and_the_log_says_why(daemon: Daemon) -> None:
    assert daemon.post("/jobs", {"type": "broken.thing", "payload": {}}).status == 422
    assert "a_library_that_nobody_has" in daemon.log
    assert "Traceback" not in daemon.log


def test_the_log_says_which_version_of_which_distribution_handles_a_type(daemon: Daemon) -> None:
    lines = [json.loads(line) for line in daemon.log.splitlines() if '"handler loaded"' in line]
    [line] = [line for line in lines if line["type"] == "acme.greet"]
    told = (line["level"], line["origin"], line["distribution"], line["version"])
    assert told == ("info", "acme_handlers:greet", "acme-handlers", "1.0")
