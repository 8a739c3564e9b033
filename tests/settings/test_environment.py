"""CQWORKER_ variables: settings, mistakes, and what is none of ours."""

from __future__ import annotations

import pytest

from cqworker.errors import ConfigurationError
from cqworker.settings import Settings, load_settings


def fault_of(name: str, value: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(None, {name: value})
    (fault,) = caught.value.faults
    return fault


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("CQWORKER_WORKER__CONCURENCY", "5", "did you mean CQWORKER_WORKER__CONCURRENCY?"),
        ("CQWORKER_WORKER_CONCURRENCY", "5", "did you mean CQWORKER_WORKER__CONCURRENCY?"),
        ("CQWORKER_worker__concurrency", "5", "did you mean CQWORKER_WORKER__CONCURRENCY?"),
        ("CQWORKER_CONFG", "x", "did you mean CQWORKER_CONFIG?"),
        ("CQWORKER_ZZZZZ", "x", "`cqworker config show --sources` lists them; unset it."),
        ("CQWORKER_PORT", "8080", "there is no such setting"),
        ("CQWORKER_QUEUES__0__NAME", "jobs", 'CQWORKER_QUEUES, written as JSON, such as [{"name": "cqworker"'),
        ("CQWORKER_HANDLERS__TYPES__RESIZE__TIMEOUT", "5", 'CQWORKER_HANDLERS__TYPES, written as JSON, such as {"text'),
        ("CQWORKER_QUEUES", "jobs", "must be a list, written as JSON"),
        ("CQWORKER_QUEUES", "[" * 100_000, "must be a list, written as JSON"),
        ("CQWORKER_HANDLERS__TYPES", "{", "must be a table, written as JSON"),
        ("CQWORKER_HANDLERS__TYPES", "[]", "handlers.types = [] must be a table."),
        ("CQWORKER_HTTP__PORT", "", 'http.port = "" must be a whole number from 0 to 65535.'),
        ("CQWORKER_HTTP__PORT", "eighty", 'http.port = "eighty" must be a whole number from 0 to 65535.'),
        ("CQWORKER_STORE__RETENTION_DAYS", "1", 'store.retention_days = "1" must be a whole number from 15 to 3650.'),
    ],
)
def test_a_variable_that_cannot_be_used_is_refused_by_its_name(name: str, value: str, fault: str) -> None:
    told = fault_of(name, value)
    assert told.startswith(f"{name}: ")
    assert fault in told


def test_what_kubernetes_injects_for_a_service_called_cqworker_is_passed_over() -> None:
    injected = {
        "CQWORKER_SERVICE_HOST": "10.0.0.7",
        "CQWORKER_SERVICE_PORT": "8080",
        "CQWORKER_SERVICE_PORT_HTTP": "8080",
        "CQWORKER_PORT": "tcp://10.0.0.7:8080",
        "CQWORKER_PORT_8080_TCP": "tcp://10.0.0.7:8080",
        "CQWORKER_PORT_8080_TCP_PROTO": "tcp",
        "CQWORKER_PORT_8080_TCP_PORT": "8080",
        "CQWORKER_PORT_8080_TCP_ADDR": "10.0.0.7",
        "CQWORKER_API_SERVICE_HOST": "10.0.0.8",
        "CQWORKER_API_PORT": "tcp://10.0.0.8:80",
    }
    assert load_settings(None, injected) == Settings()


def test_the_command_line_s_own_variables_are_no_settings() -> None:
    own = {"CQWORKER_URL": "http://127.0.0.1:1", "CQWORKER_TOKEN": "t", "CQWORKER_CONFIG": "c"}
    assert load_settings(None, {**own, "OTHER": "x"}) == Settings()


def test_numbers_texts_and_lists_are_understood() -> None:
    settings = load_settings(
        None,
        {
            "CQWORKER_WORKER__DRAIN_TIMEOUT": "2.5",
            "CQWORKER_STORE__TABLE": "jobs-2026",
            "CQWORKER_ARTIFACTS__SOURCES": '["s3://pictures/in/"]',
            "CQWORKER_ARTIFACTS__PREFIX": "",
        },
    )
    assert settings.worker.drain_timeout == 2.5
    assert settings.store.table == "jobs-2026"
    assert settings.artifacts.sources == ("s3://pictures/in/",)
    assert settings.artifacts.prefix == ""
