"""[log.levels]: levels by the names of loggers."""

from __future__ import annotations

from pathlib import Path

import pytest

from cqworker.errors import ConfigurationError
from cqworker.settings import load_settings
from tests.cli.running import invoke


def loaded(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "cqworker.toml"
    path.write_text(text, encoding="utf-8")
    return dict(load_settings(path, {}).log.levels)


def test_they_are_a_table_of_the_file(tmp_path: Path) -> None:
    assert loaded(tmp_path, '[log.levels]\n"acme.orders" = "debug"\nroot = "info"\n') == {
        "acme.orders": "debug",
        "root": "info",
    }


def test_they_are_json_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(None, {"CQWORKER_LOG__LEVELS": '{"acme": "debug"}'}).log.levels == {"acme": "debug"}
    with pytest.raises(ConfigurationError, match=r'CQWORKER_LOG__LEVELS: .*such as \{"acme.orders": "debug"\}'):
        load_settings(None, {"CQWORKER_LOG__LEVELS": "acme=debug"})
    monkeypatch.setenv("CQWORKER_LOG__LEVELS", '{"acme.orders": "debug"}')
    shown = invoke("config", "show", "--sources").stdout
    assert '[log.levels]\n"acme.orders" = "debug"  # CQWORKER_LOG__LEVELS' in shown


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('acme = "verbose"', "must be one of debug, info, warning, error"),
        ('acme = "INFO"', "must be one of debug, info, warning, error"),
        ("acme = 10", "must be one of debug, info, warning, error"),
        ('botocore = "debug"', "botocore writes signed requests and credentials at debug; info is the least for it"),
        ('"botocore.auth" = "debug"', "writes signed requests and credentials"),
        ('"" = "debug"', '"" is no name of a logger'),
        ('"acme." = "debug"', '"acme." is no name of a logger'),
    ],
)
def test_what_is_no_level_or_tells_secrets_is_refused(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=r"log\.levels") as caught:
        loaded(tmp_path, f"[log.levels]\n{line}\n")
    assert said in str(caught.value)
