"""Environments are filled by uv where it can be had, by pip elsewhere, and a failure says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import install

LOCK = "requirements-demo.lock"


class Machine:
    """A pip and a uv that note how they were called; each may fail, and uv may be missing."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._notes = folder / "notes"
        self._notes.touch()
        self.uv = folder / "uv"
        self.fetched = folder / "fetched"
        monkeypatch.setattr(install, "PIP", (str(self.program("pip", "true")),))
        monkeypatch.setattr(install, "FETCHED_UV", self.fetched)
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        for variable in ("UV", *install.UV_VARIABLES.values()):
            monkeypatch.delenv(variable, raising=False)

    def program(self, name: str, script: str) -> Path:
        file = self._folder / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >>{self._notes}\n{script}\n')
        file.chmod(0o755)
        return file

    def installs(self) -> list[str]:
        """Who was told to install what, in order: the program, and the last word."""
        lines = [line for line in self._notes.read_text().splitlines() if " install " in line]
        return [f"{line.split()[0]} {line.split()[-1]}" for line in lines]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_the_uv_that_is_named_installs_lock_and_project(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV", str(machine.program("uv", "true")))
    assert install.main(["--project", LOCK]) == 0
    assert machine.installs() == [f"uv {LOCK}", "uv ."]


def test_a_uv_that_is_not_there_is_fetched_into_the_environment(machine: Machine) -> None:
    machine.program("uv", "true")
    machine.program("pip", f"mkdir -p {machine.fetched}/bin; cp {machine.uv} {machine.fetched}/bin/uv")
    assert install.main([LOCK]) == 0
    assert machine.installs() == [f"pip {machine.fetched}", f"uv {LOCK}"]


@pytest.mark.parametrize("script", ["exit 1", "true"], ids=["the index has none", "what comes does not run here"])
def test_pip_installs_where_no_uv_can_be_had(machine: Machine, script: str) -> None:
    machine.program("pip", f'case "$*" in *--target*) {script};; esac')
    assert install.main(["--project", LOCK]) == 0
    assert machine.installs() == [f"pip {machine.fetched}", "pip --no-compile", "pip ."]


def test_pip_tries_what_uv_could_not(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UV", str(machine.program("uv", 'case "$*" in *install*) exit 2;; esac')))
    assert install.main(["--project", LOCK]) == 0
    assert machine.installs() == [f"uv {LOCK}", "pip --no-compile", "pip ."]
    assert capsys.readouterr().out == "uv could not; pip tries it\n"


def test_an_index_that_does_not_answer_is_told_with_what_to_do(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.program("pip", "exit 1")
    assert install.main(["--project", LOCK]) == 1
    told = capsys.readouterr().err
    assert f"{LOCK} could not be installed" in told
    assert "PIP_INDEX_URL=" in told


def test_uv_is_told_what_the_user_has_told_pip(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = ["global.index-url='https://one'", ":env:.index-url='https://two'", "global.cert='/a'", "global.x='y'"]
    links = r"global.find-links='\n/b\n/c'"
    machine.program("pip", "\n".join(f'echo "{line}"' for line in listed) + f"\nprintf '%s\\n' \"{links}\"")
    monkeypatch.setenv("SSL_CERT_FILE", "/mine")
    assert install.pip_configuration() == {"UV_DEFAULT_INDEX": "https://two", "UV_FIND_LINKS": "/b,/c"}
