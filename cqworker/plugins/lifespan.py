"""Whether a lifespan can be one, checked before anything is entered."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, get_origin, get_type_hints

from cqworker.plugins.signature import Unusable

LIFESPAN_REMEDY = "Write it as `async def` with one `yield`, and put @contextlib.asynccontextmanager above it."


def check_lifespan(lifespan: Callable[..., Any] | None, owner: str) -> None:
    """Raises Unusable for what can be seen, without a call, to give no async context manager.

    A synchronous context manager would hold up the loop of all handlers while it is entered. `owner` names the handler.
    """
    if lifespan is None:
        return
    if (what := _wrong_kind_of(lifespan)) is not None:
        raise Unusable(
            f"The lifespan of {owner} is {what}, no function that gives an async context manager.", LIFESPAN_REMEDY
        )
    if (missing := _open_parameter_of(lifespan)) is not None:
        raise Unusable(
            f"The lifespan of {owner} wants {missing}, and is called without arguments.",
            "Give its parameters defaults, or bind them with functools.partial.",
        )


def _wrong_kind_of(lifespan: Callable[..., Any]) -> str | None:
    """What it is where it is the wrong thing; None where nothing speaks against it."""
    function: Any = lifespan
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isasyncgenfunction(function):
        return "an async generator without @asynccontextmanager"
    if inspect.isgeneratorfunction(function):
        return "a generator"
    if inspect.isgeneratorfunction(inspect.unwrap(function)):
        return "a synchronous context manager"
    if inspect.iscoroutinefunction(function):
        return "a coroutine function"
    if inspect.isclass(function):
        return None if issubclass(function, AbstractAsyncContextManager) else f"the class {function.__name__}"
    return "a synchronous context manager" if _is_annotated_as_synchronous(function) else None


def _is_annotated_as_synchronous(function: Any) -> bool:
    """Whether its annotation promises a context manager that is entered without `await`."""
    try:
        returned = get_type_hints(function).get("return")
    except Exception:  # noqa: BLE001  # annotations are the plugin's code
        return False
    kind = get_origin(returned) or returned
    return inspect.isclass(kind) and _is_only_synchronous(kind)


def _is_only_synchronous(kind: type) -> bool:
    return issubclass(kind, AbstractContextManager) and not issubclass(kind, AbstractAsyncContextManager)


def _open_parameter_of(lifespan: Callable[..., Any]) -> str | None:
    """The first parameter that a call without arguments leaves open."""
    try:
        parameters = inspect.signature(lifespan).parameters.values()
    except (TypeError, ValueError):  # a class in C may have none to show
        return None
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return next((p.name for p in parameters if p.default is p.empty and p.kind not in optional), None)
