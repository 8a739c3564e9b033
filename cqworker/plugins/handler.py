"""What a handler's author writes: the decorator, and the exceptions that end an attempt on purpose."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Literal, NoReturn, TypeVar, overload

from cqworker.enums import Executor
from cqworker.model.job_limits import MAX_ATTEMPTS, MAX_PAUSE, MAX_TIMEOUT
from cqworker.model.timestamps import seconds_of
from cqworker.model.unique import Unique
from cqworker.suggestions.call_errors import explain_misuse
from cqworker.suggestions.handler_terms import BACKOFF, HANDLER, REJECT, RETRY, SENDERS, SNOOZE

F = TypeVar("F", bound=Callable[..., Any])
Lifespan = Callable[[], AbstractAsyncContextManager[Any]]

DEFAULT_ATTEMPTS = 10
"""Starts of a job whose type says nothing of them; with the usual backoff at most nine minutes of pauses."""
_MARK = "__cqworker_handler__"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object, limit: float = math.inf) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= limit


def _is_pause(value: object) -> bool:
    return isinstance(value, int | float) and _is_number(value) and 0 < value <= MAX_PAUSE


def _require(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{name} takes {wanted}, not {value!r}.")


class Retry(Exception):
    """Ends the attempt and asks for another one, `after` seconds from now; by the type's backoff when it is not given.

    The attempt counts: when `max_attempts` are used up, the job is FAILED `exhausted`. `reason` stands in its history;
    `after` may be a timedelta, and is kept in seconds. Raises ValueError for a pause that is none, or over 366 days.
    """

    @explain_misuse(RETRY)
    def __init__(self, reason: str, *, after: float | timedelta | None = None) -> None:
        after = None if after is None else seconds_of(after)
        if after is not None and not (_is_number(after) and 0 <= after <= MAX_PAUSE):
            raise ValueError(f"Retry(after=…) takes seconds from now, 0 to 31,622,400 (366 days), not {after!r}.")
        super().__init__(reason)
        self.reason: str = str(reason)
        self.after = after


class Snooze(Exception):
    """Hands the job back for `after` seconds: nothing was wrong, it is only too early. No attempt counts.

    The job is QUEUED meanwhile, and its `reason` stands in its history. It may be snoozed any number of times, so
    whoever waits for something that may never come says when to give up. `after` may be a timedelta, and is kept in
    seconds. Raises ValueError for a time that is none, or over 366 days.
    """

    @explain_misuse(SNOOZE)
    def __init__(self, reason: str = "", *, after: float | timedelta) -> None:
        after = seconds_of(after)
        if not _is_pause(after):
            raise ValueError(
                f"Snooze(after=…) takes seconds from now, above 0 up to 31,622,400 (366 days), not {after!r}."
            )
        super().__init__(reason)
        self.reason: str = str(reason)
        self.after: float = after

    def __reduce__(self) -> tuple[object, ...]:
        """A function in a child process may raise it; an exception alone would forget what has no place of its own."""
        return partial(type(self), self.reason, after=self.after), (), vars(self)


class Reject(Exception):
    """Ends the job for good: it can never succeed. It is FAILED `rejected`, with the `reason` for whoever reads it."""

    @explain_misuse(REJECT)
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: str = str(reason)


class Stopping(BaseException):
    """Ends an attempt that was asked to stop and has not finished; `job.check()` raises it.

    A BaseException, as asyncio.CancelledError is, so that no `except Exception` takes it for a fault. `reason` says why
    the attempt was to stop: "drain", "timeout", "cancel", "lost lease", "unanswered lease".
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason: str = str(reason)


@dataclass(frozen=True, slots=True, init=False)
class Backoff:
    """The pause before the next attempt: up to `first` s, `factor` times as much after each attempt, at most `cap` s.

    The pause is drawn evenly between zero and that limit (full jitter). `first` and `cap` may be timedeltas, and are
    kept in seconds. Raises ValueError for what makes no pause.
    """

    first: float
    factor: float
    cap: float

    @explain_misuse(BACKOFF)
    def __init__(self, *, first: float | timedelta = 1.0, factor: float = 2.0, cap: float | timedelta = 900.0) -> None:
        first, cap = seconds_of(first), seconds_of(cap)
        _require(_is_pause(first), "first", first, "seconds above zero, 366 days at most")
        _require(_is_number(factor) and 1 <= factor < math.inf, "factor", factor, "1 or more")
        _require(_is_pause(cap), "cap", cap, "seconds above zero, 366 days at most")
        for name, value in (("first", first), ("factor", factor), ("cap", cap)):
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True)
class Options:
    """What was written in `@handler(…)`: `timeout` in seconds, `memory` in MiB, None for no limit."""

    timeout: float
    max_attempts: int
    backoff: Backoff
    concurrency: int | None
    executor: Executor
    memory: int | None
    lifespan: Lifespan | None
    unique: Unique | None = None
    limits: str | None = None


@overload
def handler(function: F, /) -> F: ...
@overload
def handler(
    *,
    timeout: float | timedelta = ...,
    max_attempts: int = ...,
    backoff: Backoff = ...,
    concurrency: int | Literal["processors"] | None = ...,
    executor: Literal["thread", "process"] | None = ...,
    memory: int | None = ...,
    lifespan: Lifespan | None = ...,
    unique: Unique | None = ...,
    limits: str | None = ...,
) -> Callable[[F], F]: ...
@explain_misuse(HANDLER)
def handler(  # noqa: PLR0913 - what an author may say, by name
    function: F | None = None,
    /,
    *,
    timeout: float | timedelta = 300.0,
    max_attempts: int = DEFAULT_ATTEMPTS,
    backoff: Backoff = Backoff(),
    concurrency: int | Literal["processors"] | None = None,
    executor: Literal["thread", "process"] | None = None,
    memory: int | None = None,
    lifespan: Lifespan | None = None,
    unique: Unique | None = None,
    limits: str | None = None,
) -> F | Callable[[F], F]:
    """Makes `function(payload: Model)` or `function(payload: Model, job: Job)` a handler, and returns it.

    `async def` runs on the handlers' event loop, `def` in a thread, either in a killable process: `executor="process"`.

    - `timeout`: seconds (or a timedelta) that one attempt may take, at most 39,600 (11 h).
    - `max_attempts`: starts before the job is FAILED, 1 to 300.
    - `backoff`: the pauses between attempts.
    - `concurrency`: how many run at once in one worker, "processors" for as many as it has processors; None for no
      limit of its own, which with `executor="process"` means "processors".
    - `memory`: MiB that a run in a process may take beyond what the process holds; more is a MemoryError (Linux).
    - `lifespan`: called without arguments, gives what each worker enters once (`async with`); its value is `job.state`.
    - `unique`: what a job is unique by where its submission does not say: see `cqworker.Unique`.
    - `limits`: the payload field whose value limits of `key:*` count a job by where its submission gives no limit_key.

    Raises TypeError or ValueError, with the option's name, where an option makes no sense.
    """
    _check_limits(span := seconds_of(timeout), max_attempts, concurrency, memory)
    _check_kinds(backoff, executor, lifespan, memory)
    _check_fields(unique, limits)

    def mark(function: F) -> F:
        place, count = _executor_of(function, executor), _concurrency_of(concurrency, executor)
        rest = (memory, lifespan, unique, limits)
        return _mark_with(function, Options(float(span), max_attempts, backoff, count, place, *rest))

    return mark if function is None else mark(function)


def options_of(function: object) -> Options | None:
    """The options that the decorator noted on the function; None where it is not decorated."""
    options = getattr(function, _MARK, None)
    return options if isinstance(options, Options) else None


def _mark_with(function: F, options: Options) -> F:
    setattr(function, _MARK, options)
    _add_sender_hints(function)
    return function


def _add_sender_hints(function: Callable[..., Any]) -> None:
    """Has `greet.delay(…)` and the like say how a job is submitted here, unless the function has such an attribute."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise TypeError(
            f"A handler is a plain function: {function.__qualname__}(…) runs it here. A job is submitted by its type: "
            'await client.submit("acme.greet", {"name": "Ada"}), with cqworker.client.Client.'
        )

    for sender in SENDERS:
        if not hasattr(function, sender):
            setattr(function, sender, refuse)


def _check_kinds(backoff: object, executor: str | None, lifespan: object, memory: object) -> None:
    if not isinstance(backoff, Backoff):
        raise TypeError(f"backoff takes a cqworker.Backoff, such as Backoff(first=2.0), not {backoff!r}.")
    if executor not in (None, "thread", "process"):
        raise ValueError(f'executor takes "thread" or "process", not {executor!r}.')
    if memory is not None and executor != "process":
        raise ValueError("memory bounds a process of the handler's own: it goes with executor='process' alone.")
    if lifespan is not None and not callable(lifespan):
        raise TypeError(f"lifespan takes a function that gives an async context manager, not {lifespan!r}.")
    if lifespan is not None and executor == "process":
        raise ValueError(
            "lifespan is entered in the worker itself, out of reach for executor='process': leave one out."
        )


def _check_fields(unique: object, limits: object) -> None:
    if not isinstance(unique, Unique | None):
        raise TypeError(f'unique takes a cqworker.Unique, such as Unique(["order_id"]), not {unique!r}.')
    if not isinstance(limits, str | None) or limits == "":
        raise TypeError(f'limits takes the name of a payload field, such as "customer_id", not {limits!r}.')


def _executor_of(function: object, executor: Literal["thread", "process"] | None) -> Executor:
    if isinstance(function, str):
        raise TypeError(
            f"@handler takes no name: a job type is the name of its entry point in pyproject.toml, "
            f'"{function}" = "your_module:your_function".'
        )
    if not inspect.isfunction(function):
        raise TypeError(f"@handler takes a function (def or async def), not {function!r}.")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{function.__qualname__} yields: a handler returns its result once.")
    is_coroutine = inspect.iscoroutinefunction(function)
    if is_coroutine and executor == "thread":
        raise ValueError("executor='thread' is for def; an async def runs on the handlers' loop or in a process.")
    return executor or ("loop" if is_coroutine else "thread")


def _concurrency_of(concurrency: int | Literal["processors"] | None, executor: str | None) -> int | None:
    """How many may run at once: what waits for a processor does so within its timeout, and had better not start."""
    if concurrency == "processors" or (concurrency is None and executor == "process"):
        return processor_count()
    return concurrency


def processor_count() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # Linux alone
        return os.cpu_count() or 1


def _check_limits(timeout: float, max_attempts: int, concurrency: int | str | None, memory: int | None) -> None:
    _require(_is_number(timeout) and 0 < timeout <= MAX_TIMEOUT, "timeout", timeout, "seconds above 0, up to 39600")
    _require(_is_count(max_attempts, MAX_ATTEMPTS), "max_attempts", max_attempts, "a whole number from 1 to 300")
    fits = concurrency in (None, "processors") or _is_count(concurrency)
    _require(fits, "concurrency", concurrency, 'None, "processors" or a whole number from 1')
    _require(memory is None or _is_count(memory), "memory", memory, "None or a whole number of MiB from 1")
