"""A running embedded AWS: its address and the environment that leads to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from cqworker.errors import CqworkerError

LOOPBACK = "127.0.0.1"


class EmbeddedAwsError(CqworkerError):
    """The embedded AWS cannot be started; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class EmbeddedAws:
    """Where a running embedded AWS listens, and the environment in which the AWS SDK and cqworker use it alone."""

    endpoint_url: str
    environment: Mapping[str, str]
    pid: int

    def apply_to(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return `environment` turned away from the real AWS: its own `AWS_*` variables are gone, ours are set.

        A mere update is not enough, for a profile or an endpoint of one service would outrank what we set.
        Loopback is taken out of the reach of an HTTP proxy.
        """
        kept = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
        unproxied = ",".join(filter(None, (kept.get("no_proxy") or kept.get("NO_PROXY"), LOOPBACK)))
        return {**kept, "NO_PROXY": unproxied, "no_proxy": unproxied, **self.environment}


def embedded_aws_at(port: int, pid: int) -> EmbeddedAws:
    """Describe the embedded AWS that process `pid` serves on `port`."""
    endpoint_url = f"http://{LOOPBACK}:{port}"
    return EmbeddedAws(endpoint_url=endpoint_url, environment=_environment(endpoint_url), pid=pid)


def _environment(endpoint_url: str) -> Mapping[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "embedded",
        "AWS_SECRET_ACCESS_KEY": "embedded",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "CQWORKER_AWS__BATCH_WRITES": "false",  # moto applies a batch's statements whatever their conditions say
    }
