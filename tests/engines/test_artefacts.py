"""The cache takes only programs that are the ones that were tested."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from tests.engines.artefacts import VERSITYGW, EngineError, GoProgram, Jars, cache_folder, verify_file, verify_module

POM_ENGINE = "elasticmq"
JAR = b"a jar"


def put_on_path(folder: Path, program: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / program
    file.write_text(f"#!/bin/sh\nset -e\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def fake_maven(folder: Path, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find_output = 'for a in "$@"; do case $a in -DoutputDirectory=*) out=${a#*=};; esac; done'
    put_on_path(folder, "mvn", f'{find_output}\nmkdir -p "$out"\nprintf "{content}" > "$out/main.jar"', monkeypatch)


def test_the_cache_lies_where_the_desktop_rules_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "cqworker" / "engines"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "cqworker" / "engines"


def test_jars_are_fetched_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jars = Jars(POM_ENGINE, "main.jar", hashlib.sha256(JAR).hexdigest())
    fake_maven(tmp_path, JAR.decode(), monkeypatch)
    home = jars.fetch(tmp_path / "cache")
    (tmp_path / "mvn").unlink()
    assert jars.fetch(tmp_path / "cache") == home
    assert [file.name for file in home.iterdir()] == ["main.jar"]


def test_a_jar_with_another_checksum_never_enters_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jars = Jars(POM_ENGINE, "main.jar", hashlib.sha256(JAR).hexdigest())
    fake_maven(tmp_path, "something else", monkeypatch)
    with pytest.raises(EngineError, match="not what was tested"):
        jars.fetch(tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_a_jar_that_was_changed_in_the_cache_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jars = Jars(POM_ENGINE, "main.jar", hashlib.sha256(JAR).hexdigest())
    fake_maven(tmp_path, JAR.decode(), monkeypatch)
    (jars.fetch(tmp_path / "cache") / "main.jar").write_bytes(b"patched")
    with pytest.raises(EngineError, match="not what was tested"):
        jars.fetch(tmp_path / "cache")


def test_what_maven_says_when_it_fails_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_on_path(tmp_path, "mvn", "echo checksum validation failed >&2; exit 1", monkeypatch)
    with pytest.raises(EngineError, match="checksum validation failed"):
        Jars(POM_ENGINE, "main.jar", "").fetch(tmp_path / "cache")


def test_a_missing_maven_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="mvn is not on PATH: the engines need a JDK 17 or newer, Maven and Go"):
        Jars(POM_ENGINE, "main.jar", "").fetch(tmp_path / "cache")


def test_a_missing_file_says_how_to_fetch_again(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="is missing; delete"):
        verify_file(tmp_path / "main.jar", "")


def go_that_builds(h1: str) -> str:
    build_info = f"bin/versitygw: go1.26\\n\\tpath\\tx\\n\\tmod\\t{VERSITYGW.module}\\t{VERSITYGW.version}\\t{h1}\\n"
    install = 'mkdir -p "$GOBIN"; echo program > "$GOBIN/versitygw"'
    return f'case $1 in install) {install};; version) printf "{build_info}";; esac'


def test_a_go_program_is_built_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_on_path(tmp_path, "go", go_that_builds(VERSITYGW.h1), monkeypatch)
    program = VERSITYGW.fetch(tmp_path / "cache")
    (tmp_path / "go").unlink()
    assert VERSITYGW.fetch(tmp_path / "cache") == program
    assert program.read_text() == "program\n"


def test_a_go_program_of_other_sources_never_enters_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_on_path(tmp_path, "go", go_that_builds("h1:other="), monkeypatch)
    with pytest.raises(EngineError, match="h1:other="):
        VERSITYGW.fetch(tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_build_information_without_a_module_is_refused() -> None:
    program = GoProgram("example.test/m", "example.test/m/cmd/p", "v1", "h1:x=")
    with pytest.raises(EngineError, match="expected v1 h1:x="):
        verify_module("p: go1.26\n\tpath\texample.test/m/cmd/p\n", program)
