"""Provisioning as a command."""

from __future__ import annotations

import json

import pytest

from cqworker.settings import Settings
from tests.cli.running import invoke, told


@pytest.mark.usefixtures("on_aws")
def test_the_command_tells_each_step(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CQWORKER_STORE__TABLE", settings.store.table)
    monkeypatch.setenv("CQWORKER_QUEUES", json.dumps([settings.queues[0].model_dump()]))
    monkeypatch.setenv("CQWORKER_ARTIFACTS__BUCKET", settings.artifacts.bucket)
    dry = invoke("provision", "--dry-run").stdout.splitlines()
    assert dry[0] == f"table {settings.store.table}: would be created (keys pk and sk, on demand)"
    done = invoke("provision").stdout.splitlines()
    assert done[0] == f"table {settings.store.table}: created (keys pk and sk, on demand)"
    assert "after 40 receives" in done[5]
    again = told(invoke("provision", "--json"))
    assert {step["action"] for step in again} == {"unchanged"}
