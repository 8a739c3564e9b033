"""The switches of `[aws]`, and where they must not stand as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from cqworker.cli.dev import fit_embedded_aws
from cqworker.clock import SystemClock
from cqworker.daemon.aws_ports import open_aws_ports
from cqworker.embedded.running_aws import embedded_aws_at
from cqworker.errors import ConfigurationError
from cqworker.events import ignore
from cqworker.plugins.registry import registry_of
from cqworker.settings import AwsSettings, Settings, load_settings
from tests.aws.stub import answers, ok, serving
from tests.aws_http.scripted import done, job
from tests.contract.test_store_races import claim_of, submitted

SpeakTo = Callable[..., None]


@pytest.mark.parametrize("lean", [True, False])
@pytest.mark.parametrize(
    ("batch_writes", "operations"), [(True, ["BatchExecuteStatement"]), (False, ["UpdateItem"] * 2)]
)
async def test_a_daemon_goes_the_way_it_is_told(
    speak_to: SpeakTo, lean: bool, batch_writes: bool, operations: list[str]
) -> None:
    settings = Settings(aws=AwsSettings(lean=lean, batch_writes=batch_writes))
    both = {"Responses": [done(job(1)), done(job(2))], "Attributes": done(job(1))["Item"]}
    async with serving(answers(ok(**both))) as stub:
        speak_to(stub.url)
        aws = open_aws_ports(settings, registry_of(), SystemClock(), ignore)
        async with aws.clients:
            changes = [claim_of(replace(submitted(), job_id=job(number)), "boot.1") for number in (1, 2)]
            await asyncio.gather(*map(aws.dependencies.store.write, changes))
    assert [seen.operation for seen in stub.seen] == operations
    assert ["amz-sdk-request" in seen.headers for seen in stub.seen] == [not lean] * len(operations)


def test_daemons_on_the_embedded_aws_write_singly() -> None:
    environment = embedded_aws_at(port=1, pid=1).apply_to({})
    ours = {name: value for name, value in environment.items() if name.startswith("CQWORKER_")}
    assert not load_settings(None, ours).aws.batch_writes
    assert not fit_embedded_aws(Settings()).aws.batch_writes


@pytest.mark.parametrize(("text", "meant"), [("true", True), ("false", False)])
def test_a_switch_is_set_by_its_variable(text: str, meant: bool) -> None:
    assert load_settings(None, {"CQWORKER_AWS__LEAN": text}).aws.lean is meant


def test_what_is_no_switch_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r'aws\.lean = "perhaps" must be true or false'):
        load_settings(None, {"CQWORKER_AWS__LEAN": "perhaps"})
