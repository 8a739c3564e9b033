"""The doctor's visit as a command."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from cqworker.cli.local_checks import check_locally
from cqworker.plugins.registry import Registry, discover
from cqworker.settings import HandlerSettings, HttpSettings, Settings, TokenSettings, TypeSettings, WorkerSettings
from cqworker.settings.limit_settings import LimitSettings
from tests.cli.running import invoke, told

API = frozenset({"worker", "api"})


@pytest.mark.usefixtures("on_aws")
def test_a_healthy_house_ends_with_0() -> None:
    result = invoke("doctor")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "no errors, no warnings."
    assert {finding["level"] for finding in told(invoke("doctor", "--json"))} == {"ok"}


@pytest.mark.usefixtures("on_aws")
def test_an_error_ends_with_1_and_names_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CQWORKER_STORE__TABLE", "not-there")
    result = invoke("doctor")
    assert result.exit_code == 1
    assert 'table not-there: There is no table "not-there"' in result.stdout
    assert "cqworker provision" in result.stdout
    assert result.stdout.splitlines()[-1] == "1 error, no warnings."


def test_without_an_aws_the_rest_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    found = told(invoke("doctor", "--json"), code=1)
    assert [finding["subject"] for finding in found if finding["level"] == "error"] == ["region", "credentials"]
    assert {"http", "handlers"} <= {finding["subject"] for finding in found}


def test_wrong_settings_end_with_78(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CQWORKER_QUEUES", json.dumps([]))
    assert invoke("doctor").exit_code == 78


def test_exposure_without_a_token_is_an_error_for_the_api_alone() -> None:
    settings = Settings(http=HttpSettings(host="0.0.0.0"))
    found = {finding.subject: finding for finding in check_locally(settings, API, Registry())}
    assert found["http"].level == "error"
    assert found["http"].fix.startswith("Add one under [[http.tokens]]")
    alone = {finding.subject: finding for finding in check_locally(settings, {"worker"}, Registry())}
    assert alone["http"].level == "ok"


def test_exposure_with_a_token_is_no_error() -> None:
    token = TokenSettings(name="a", sha256="0" * 64)
    settings = Settings(http=HttpSettings(host="0.0.0.0", tokens=(token,)))
    assert {finding.level for finding in check_locally(settings, API, Registry())} == {"ok", "warning"}


def test_a_drain_longer_than_supervisors_wait_is_warned_of() -> None:
    settings = Settings(worker=WorkerSettings(drain_timeout=28.5))
    (finding,) = [each for each in check_locally(settings, API, Registry()) if each.subject == "worker"]
    assert finding.level == "warning"
    assert "30.5 s" in finding.what
    assert "terminationGracePeriodSeconds" in finding.fix
    fits = Settings(worker=WorkerSettings(drain_timeout=28))
    assert not [each for each in check_locally(fits, API, Registry()) if each.subject == "worker"]


def test_broken_plugins_are_errors_with_their_cures() -> None:
    handlers = HandlerSettings(types={"text.tranform": TypeSettings(timeout=1)})
    found = list(check_locally(Settings(), API, discover(handlers)))
    (finding,) = [each for each in found if each.level == "error"]
    assert (finding.subject, finding.fix) == ("handler text.tranform", "Did you mean text.transform?")


def test_no_job_type_at_all_is_warned_of() -> None:
    (finding,) = [each for each in check_locally(Settings(), API, Registry()) if each.subject == "handlers"]
    assert finding.level == "warning"


def test_a_limit_of_nothing_in_the_file_is_shown_with_its_end() -> None:
    until = datetime.now(UTC) + timedelta(days=2)
    settings = Settings(limits={"type:mail": LimitSettings(concurrency=0, until=until)})
    [found] = [one for one in check_locally(settings, API, Registry()) if one.subject == "limit type:mail"]
    assert found.level == "warning"
    assert found.what.startswith(f"No job of it starts until {until:%Y-%m-%dT%H:%M}")


def test_a_limit_that_has_ended_is_shown_as_one_that_binds_nothing() -> None:
    settings = Settings(limits={"type:mail": LimitSettings(concurrency=0, until=datetime(2026, 1, 1, tzinfo=UTC))})
    [found] = [one for one in check_locally(settings, API, Registry()) if one.subject == "limit type:mail"]
    assert (found.level, found.what) == ("info", "It ended at 2026-01-01T00:00:00.000Z, and binds nothing.")
