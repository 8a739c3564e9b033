"""What goes before what, and where a value comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from cqworker.settings import Settings, find_file, load_settings, sources


def file(folder: Path, text: str) -> Path:
    path = folder / "cqworker.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_anything_the_defaults_apply() -> None:
    assert load_settings(None, {}) == Settings()


def test_flags_go_before_variables_before_the_file_before_defaults(tmp_path: Path) -> None:
    path = file(tmp_path, "[http]\nport = 1\nmax_body = 2048\n[worker]\nconcurrency = 5\n")
    environ = {"CQWORKER_HTTP__PORT": "2", "CQWORKER_WORKER__CONCURRENCY": "6"}
    settings = load_settings(path, environ, {"http.port": 3, "http.host": None})
    assert (settings.http.port, settings.worker.concurrency) == (3, 6)
    assert (settings.http.max_body, settings.http.host) == (2048, "127.0.0.1")


def test_a_list_in_a_variable_replaces_the_file_s(tmp_path: Path) -> None:
    path = file(tmp_path, '[[queues]]\nname = "a"\n[[queues]]\nname = "b"\n')
    settings = load_settings(path, {"CQWORKER_QUEUES": '[{"name": "c", "wait_time": 1}]'})
    assert [(queue.name, queue.wait_time) for queue in settings.queues] == [("c", 1)]


def test_types_of_file_and_variable_are_merged(tmp_path: Path) -> None:
    path = file(tmp_path, '[handlers.types."text.transform"]\ntimeout = 7\nmax_attempts = 3\n')
    settings = load_settings(path, {"CQWORKER_HANDLERS__TYPES": '{"text.transform": {"timeout": 8}, "b": {}}'})
    merged = settings.handlers.types["text.transform"]
    assert (merged.timeout, merged.max_attempts) == (8, 3)
    assert "b" in settings.handlers.types


def test_an_empty_table_takes_nothing_away(tmp_path: Path) -> None:
    path = file(tmp_path, "[handlers.types.a]\ntimeout = 7\n")
    assert load_settings(path, {"CQWORKER_HANDLERS__TYPES": "{}"}).handlers.types["a"].timeout == 7


def test_a_variable_can_take_a_list_back_to_unset(tmp_path: Path) -> None:
    path = file(tmp_path, '[handlers]\nenabled = ["a"]\n')
    assert load_settings(path, {"CQWORKER_HANDLERS__ENABLED": "null"}).handlers.enabled is None


def test_sources_tell_where_each_value_comes_from(tmp_path: Path) -> None:
    path = file(tmp_path, '[http]\nport = 1\nhost = "::1"\n[handlers.types."a.b"]\ntimeout = 3\n')
    told = sources(path, {"CQWORKER_HTTP__PORT": "2", "CQWORKER_QUEUES": '[{"name": "q"}]'}, {"log.level": "debug"})
    assert told["http", "host"] == str(path)
    assert told["http", "port"] == "CQWORKER_HTTP__PORT"
    assert told["queues",] == "CQWORKER_QUEUES"
    assert told["log", "level"] == "--log-level"
    assert told["handlers", "types", "a.b", "timeout"] == str(path)
    assert told["store", "table"] == "default"


@pytest.mark.parametrize(
    ("option", "environ", "usual_exists", "expected"),
    [
        ("flag.toml", {"CQWORKER_CONFIG": "variable.toml"}, True, "flag.toml"),
        (None, {"CQWORKER_CONFIG": "variable.toml"}, True, "variable.toml"),
        (None, {"CQWORKER_CONFIG": ""}, True, "usual.toml"),
        (None, {}, True, "usual.toml"),
        (None, {}, False, None),
    ],
)
def test_the_file_is_found_by_flag_then_variable_then_habit(
    tmp_path: Path, option: str | None, environ: dict[str, str], usual_exists: bool, expected: str | None
) -> None:
    usual = tmp_path / "usual.toml"
    if usual_exists:
        usual.touch()
    found = find_file(Path(option) if option else None, environ, usual)
    assert (found.name if found else None) == expected
