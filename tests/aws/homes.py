"""Machines whose credentials come from where a test says."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path

import pytest

from cqworker.aws.clients import AwsClients
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.operations import UPDATE_ITEM
from tests.contract.worlds import use_environment

NOBODY = "http://127.0.0.1:9"


class Home:
    """A machine whose credentials come from where a test says."""

    def __init__(self, place: Path, patch: pytest.MonkeyPatch) -> None:
        self.place = place
        self._patch = patch
        self.url = NOBODY

    def say(self, config: str = "", **variables: str) -> None:
        """What the AWS config file and the environment hold."""
        path = self.place / "config"
        path.write_text(config)
        base = {"AWS_CONFIG_FILE": str(path), "AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": self.url}
        use_environment(self._patch, {**base, **variables})

    def helper(self, script: str) -> None:
        """The default profile asks a program."""
        program = self.place / "helper"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.say(f"[default]\ncredential_process = {program} --secret canary\n")

    @property
    def asked(self) -> int:
        """How often the helper that counts was asked."""
        count = self.place / "count"
        return len(count.read_text()) if count.exists() else 0


def handing_out(home: Home, key: str, lasting: float) -> None:
    """The helper hands out this key, which lasts so many seconds, and counts."""
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + lasting))
    said = {"Version": 1, "AccessKeyId": key, "SecretAccessKey": "s", "SessionToken": "t", "Expiration": end}
    home.helper(f"printf . >> {home.place}/count\necho '{json.dumps(said)}'")


async def fault_of(clients: AwsClients) -> AwsFault:
    with pytest.raises(AwsFault) as caught:
        await clients.call(UPDATE_ITEM, {}, 'table "jobs"')
    return caught.value
