"""Rules that need more than one setting."""

from __future__ import annotations

import pytest

from cqworker.errors import ConfigurationError
from cqworker.settings import (
    HttpSettings,
    QueueSettings,
    Settings,
    TokenSettings,
    check_exposure,
    max_receive_count_of,
)

TOKEN = TokenSettings(name="a", sha256="0" * 64)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "cqworker.internal"])
def test_the_api_is_not_served_beyond_loopback_without_a_token(host: str) -> None:
    with pytest.raises(ConfigurationError, match="no token is configured"):
        check_exposure(Settings(http=HttpSettings(host=host)), {"worker", "api"})


@pytest.mark.parametrize(
    ("http", "roles"),
    [
        (HttpSettings(host="127.0.0.1"), {"api"}),
        (HttpSettings(host="127.8.9.1"), {"api"}),
        (HttpSettings(host="::1"), {"api"}),
        (HttpSettings(host="localhost"), {"api"}),
        (HttpSettings(host="0.0.0.0"), {"worker"}),
        (HttpSettings(host="0.0.0.0", tokens=(TOKEN,)), {"worker", "api"}),
    ],
)
def test_loopback_a_token_or_no_api_is_safe(http: HttpSettings, roles: set[str]) -> None:
    check_exposure(Settings(http=http), roles)


@pytest.mark.parametrize(
    ("configured", "largest", "expected"), [(None, 10, 40), (None, 300, 910), (None, 400, 1000), (7, 10, 7)]
)
def test_the_redrive_limit_leaves_room_for_receives_that_are_no_attempts(
    configured: int | None, largest: int, expected: int
) -> None:
    assert max_receive_count_of(QueueSettings(name="q", max_receive_count=configured), largest) == expected
