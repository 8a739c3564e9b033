"""A local AWS for `cqworker dev`, the demo and the tests: moto's server in a child process, made safe and quick."""

from __future__ import annotations

from cqworker.embedded.moto_process import running_aws, running_aws_sync
from cqworker.embedded.running_aws import EmbeddedAws, EmbeddedAwsError

__all__ = ["EmbeddedAws", "EmbeddedAwsError", "running_aws", "running_aws_sync"]
