"""Clients whose JSON client speaks to a stub, and which try again without waiting, and remember their events."""

from __future__ import annotations

import pytest

from tests.aws.conftest import calls, clients, no_waiting_between_tries, speak_to

__all__ = ["calls", "clients", "no_waiting_between_tries", "speak_to"]


@pytest.fixture
def lean() -> bool:
    """What of a call is the same on both paths is tested with the other adapters to AWS."""
    return True
