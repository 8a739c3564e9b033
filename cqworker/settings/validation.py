"""Rules about several settings, or about what is known only when the daemon starts."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from cqworker.enums import Role
from cqworker.errors import ConfigurationError
from cqworker.settings.queue_settings import MAX_RECEIVES, QueueSettings
from cqworker.settings.settings import Settings


def check_exposure(settings: Settings, roles: Collection[str]) -> None:
    """Raises ConfigurationError where the api role would serve more than this machine without tokens.

    The worker role alone serves nothing but health and metrics, and may listen anywhere.
    """
    if Role.API in roles and not settings.http.tokens and not is_loopback(settings.http.host):
        raise ConfigurationError(
            f"http.host = {settings.http.host} is reachable from other machines, and no token is configured. "
            "Add one under [[http.tokens]], listen on 127.0.0.1, or run without the API: --role worker."
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on `host`; a name other than localhost counts as reachable."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def max_receive_count_of(queue: QueueSettings, largest_max_attempts: int) -> int:
    """The redrive policy's maxReceiveCount: as configured, else 3 times the largest `max_attempts` + 10, at most 1000.

    Receive counts also grow by lost answers, refunded attempts and hidden copies; the policy must never act before
    the record says FAILED.
    """
    return queue.max_receive_count or needed_receive_count(largest_max_attempts)


def needed_receive_count(largest_max_attempts: int) -> int:
    """The least maxReceiveCount that is safe for jobs of so many attempts (SQS allows 1000)."""
    return min(3 * largest_max_attempts + 10, MAX_RECEIVES)
