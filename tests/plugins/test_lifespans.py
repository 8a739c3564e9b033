"""A lifespan of the wrong kind is told when its handler is loaded, not by jobs that wait for a day."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

import pytest

from cqworker import handler
from cqworker.plugins.lifespan import check_lifespan
from cqworker.plugins.registry import registry_of
from cqworker.plugins.signature import Unusable


@contextlib.contextmanager
def synchronous() -> Iterator[str]:
    yield "pool"


@contextlib.asynccontextmanager
async def good(size: int = 3) -> AsyncIterator[str]:
    yield "pool"


@contextlib.asynccontextmanager
async def wanting(dsn: str) -> AsyncIterator[str]:
    yield dsn


async def undecorated() -> AsyncIterator[str]:
    yield "pool"


def a_generator() -> Iterator[str]:
    yield "pool"


async def a_coroutine() -> str:
    return "pool"


class Lock:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


class Pool(Lock):
    async def __aenter__(self) -> None: ...
    async def __aexit__(self, *_: object) -> None: ...


def a_lock() -> Lock:
    return Lock()


def a_pool() -> Pool:
    return Pool()


def said_to_be_synchronous() -> AbstractContextManager[str]:
    return synchronous()


def said_to_be_good() -> AbstractAsyncContextManager[str]:
    return good()


def said_to_be_anything() -> Any:
    return good()


def said_to_be_unknown() -> Nowhere:  # type: ignore[name-defined]  # noqa: F821 - as an author may import it for checkers alone
    return good()


WRONG: list[tuple[Callable[..., Any], str]] = [
    (synchronous, "a synchronous context manager"),
    (functools.partial(synchronous), "a synchronous context manager"),
    (a_lock, "a synchronous context manager"),
    (said_to_be_synchronous, "a synchronous context manager"),
    (Lock, "the class Lock"),
    (undecorated, "an async generator without @asynccontextmanager"),
    (a_generator, "a generator"),
    (a_coroutine, "a coroutine function"),
]
RIGHT: list[Callable[..., Any]] = [
    *(good, functools.partial(wanting, "dsn"), Pool, a_pool),
    *(said_to_be_good, said_to_be_anything, said_to_be_unknown, lambda: good(2), functools.partial(good, size=4)),
]


@pytest.mark.parametrize(("lifespan", "what"), WRONG)
def test_what_gives_no_async_context_manager_is_a_broken_plugin_with_its_remedy(
    lifespan: Callable[..., Any], what: str
) -> None:
    @handler(lifespan=lifespan)
    async def swim(payload: int) -> None: ...

    registry = registry_of(swim=swim)
    [broken] = registry.broken
    assert (broken.type, registry.get("swim")) == ("swim", None)
    assert what in broken.cause
    assert "@contextlib.asynccontextmanager" in broken.remedy


@pytest.mark.parametrize("lifespan", RIGHT)
def test_what_may_give_one_is_let_through(lifespan: Callable[..., Any]) -> None:
    check_lifespan(lifespan, "acme:swim")


def test_a_lifespan_that_wants_arguments_is_told_by_their_name() -> None:
    with pytest.raises(Unusable, match=r"wants dsn.*functools\.partial"):
        check_lifespan(wanting, "acme:swim")
