"""The configuration as it is shown."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cqworker.settings import Settings, load_settings
from tests.cli.running import invoke, told

HASH = "ab" * 32
TYPES = '{"text.transform": {"timeout": 3, "backoff": {"cap": 4}}}'


def test_what_is_shown_can_be_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CQWORKER_QUEUES", '[{"name": "a", "max_receive_count": 7}, {"name": "b"}]')
    monkeypatch.setenv("CQWORKER_HANDLERS__TYPES", TYPES)
    monkeypatch.setenv("CQWORKER_HTTP__HOST", 'a"\\\x7f\n')
    path = tmp_path / "shown.toml"
    path.write_text(invoke("config", "show", "--sources").stdout, encoding="utf-8")
    expected = {name: value for name, value in os.environ.items() if name.startswith("CQWORKER_")}
    assert load_settings(path, {}) == load_settings(None, expected) != Settings()


def test_a_token_s_hash_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CQWORKER_HTTP__TOKENS", json.dumps([{"name": "shop", "sha256": HASH}]))
    for form in ([], ["--json"], ["--sources"]):
        result = invoke("config", "show", *form)
        assert "shop" in result.stdout
        assert HASH not in result.output


def test_sources_are_told_behind_each_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cqworker.toml"
    path.write_text("[http]\nport = 1\n", encoding="utf-8")
    monkeypatch.setenv("CQWORKER_CONFIG", str(path))
    monkeypatch.setenv("CQWORKER_QUEUES", '[{"name": "a"}]')
    monkeypatch.setenv("CQWORKER_HANDLERS__TYPES", TYPES)
    lines = invoke("config", "show", "--sources").stdout.splitlines()
    assert f"port = 1  # {path}" in lines
    assert "[[queues]]  # CQWORKER_QUEUES" in lines
    assert "timeout = 3.0  # CQWORKER_HANDLERS__TYPES" in lines
    assert 'level = "info"  # default' in lines
    assert told(invoke("config", "show", "--sources", "--json"))["sources"]["http.port"] == str(path)


def test_json_is_the_settings() -> None:
    assert told(invoke("config", "show", "--json")) == Settings().model_dump(mode="json")


def test_a_file_that_is_not_there_ends_with_78() -> None:
    result = invoke("config", "show", "--config", "/nowhere.toml")
    assert result.exit_code == 78
    assert result.stderr.startswith("/nowhere.toml: cannot be read")
