"""Where daemons of a test work: queues, a table and a bucket of its own, and the variables that lead there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

from tests.patience import scaled
from tests.processes.daemon import PROGRAM

ALONE = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
    "CQWORKER_LOG__FORMAT": "json",
}


@dataclass(frozen=True)
class Site:
    """Names on an AWS, and how the processes there are set up.

    `aws` holds the SDK's variables, `queue` what every queue is given besides its name, `plugins` the folders that
    daemons import handlers from, and `extra` further variables.
    """

    aws: Mapping[str, str]
    queues: Sequence[str]
    table: str
    bucket: str
    queue: Mapping[str, object] = field(default_factory=lambda: {"wait_time": 1})
    plugins: Sequence[Path] = ()
    extra: Mapping[str, str] = field(default_factory=dict)

    def changed(self, **changes: Any) -> Site:
        """The same with other fields; `extra` is added to what there was."""
        if "extra" in changes:
            changes["extra"] = {**self.extra, **changes["extra"]}
        return replace(self, **changes)

    def environment(self) -> dict[str, str]:
        """The variables of a process that works here, and nowhere else."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CQWORKER_"))}
        queues = [{"name": name, "dead_letter_queue": f"{name}-dead", **self.queue} for name in self.queues]
        return {
            **kept,
            **ALONE,
            **self.aws,
            "PYTHONPATH": os.pathsep.join(map(str, self.plugins)),
            "CQWORKER_QUEUES": json.dumps(queues),
            "CQWORKER_STORE__TABLE": self.table,
            "CQWORKER_ARTIFACTS__BUCKET": self.bucket,
            **self.extra,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command of the program, to its end."""
        command = [*PROGRAM, *arguments]
        return subprocess.run(
            command, env=self.environment(), capture_output=True, text=True, timeout=scaled(60), check=False
        )

    def provision(self) -> None:
        """`cqworker provision`, as /readyz and the README tell an operator to."""
        done = self.run("provision")
        assert done.returncode == 0, done.stderr

    @cached_property
    def sqs(self) -> Any:
        return self._client("sqs")

    @cached_property
    def dynamodb(self) -> Any:
        return self._client("dynamodb")

    @cached_property
    def s3(self) -> Any:
        return self._client("s3")

    def url_of(self, queue: str) -> str:
        return str(self.sqs.get_queue_url(QueueName=queue)["QueueUrl"])

    def depth(self, queue: str) -> tuple[int, int]:
        """Messages that are visible, and that are hidden."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url_of(queue), AttributeNames=names)["Attributes"]
        return int(answer[names[0]]), int(answer[names[1]])

    def job_ids_in(self, queue: str) -> list[str]:
        """The jobs of all messages that can be received now; they are hidden for a minute by this."""
        found: list[str] = []
        asked = {"QueueUrl": self.url_of(queue), "MaxNumberOfMessages": 10, "VisibilityTimeout": 60}
        while messages := self.sqs.receive_message(**asked).get("Messages"):
            found += [json.loads(message["Body"])["job_id"] for message in messages]
        return found

    def _client(self, service: str) -> Any:
        endpoint = self.aws.get(f"AWS_ENDPOINT_URL_{service.upper()}") or self.aws["AWS_ENDPOINT_URL"]
        return botocore.session.Session().create_client(
            service,
            endpoint_url=endpoint,
            region_name=self.aws["AWS_REGION"],
            aws_access_key_id=self.aws["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.aws["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )
