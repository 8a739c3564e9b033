"""What stories let go wrong on the lines of cqworker/testing/faulty_ports.py, or let end a host."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from cqworker.errors import RecordUnreadable, Unavailable
from cqworker.testing.faulty_ports import FaultyArtifacts, FaultyQueue, FaultySchedule, FaultyStore
from cqworker.testing.mishaps import LATENCY, Mishap, Mishaps, refused, unavailable

__all__ = [
    "LATENCY",
    "FaultyArtifacts",
    "FaultyQueue",
    "FaultySchedule",
    "FaultyStore",
    "Mishap",
    "Mishaps",
    "denied",
    "last",
    "late",
    "never",
    "refused",
    "repeated",
    "repeated_after",
    "slow",
    "unanswered",
    "unavailable",
    "unheard",
    "unreadable",
]

T = TypeVar("T")


async def denied(_apply: Callable[[], Awaitable[T]]) -> T:
    """It is not done: the role may not."""
    raise Unavailable("service", "The role may not.", "Allow it.", concerns="right")


async def unreadable(_apply: Callable[[], Awaitable[T]]) -> T:
    """The record that stands there is a newer version's."""
    raise RecordUnreadable("service", "It cannot be read.", "Upgrade.", ambiguous=True)


async def unanswered(apply: Callable[[], Awaitable[T]]) -> T:
    """It is done, and the answer is lost."""
    await apply()
    raise unavailable(ambiguous=True)


async def repeated(apply: Callable[[], Awaitable[T]]) -> T:
    """It is done, the answer is lost on the way, and the client asks once more."""
    await apply()
    return await apply()


def repeated_after(seconds: float) -> Mishap:
    """It is done, the answer is lost on the way, and the client asks once more so many seconds later."""

    async def ask_again(apply: Callable[[], Awaitable[Any]]) -> Any:
        await apply()
        await asyncio.sleep(seconds)
        return await apply()

    return ask_again


async def unheard(_apply: Callable[[], Awaitable[T]]) -> T:
    """It is not done, and nobody can tell."""
    raise unavailable(ambiguous=True)


def slow(seconds: float) -> Mishap:
    """It is done at once and answered after so many seconds."""

    async def take_time(apply: Callable[[], Awaitable[Any]]) -> Any:
        answer = await apply()
        await asyncio.sleep(seconds)
        return answer

    return take_time


def late(seconds: float) -> Mishap:
    """It lies about for so many seconds before it is done."""

    async def lie_about(apply: Callable[[], Awaitable[Any]]) -> Any:
        await asyncio.sleep(seconds)
        return await apply()

    return lie_about


def last(act: Callable[[], None]) -> Mishap:
    """It is done, then `act` ends the host; there is no answer for the dead."""

    async def die(apply: Callable[[], Awaitable[Any]]) -> Any:
        await apply()
        act()
        await asyncio.get_running_loop().create_future()

    return die


def never(act: Callable[[], None]) -> Mishap:
    """`act` ends the host before it is done."""

    async def die(_apply: Callable[[], Awaitable[Any]]) -> Any:
        act()
        await asyncio.get_running_loop().create_future()

    return die
