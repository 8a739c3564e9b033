"""Calls that do not fit their function: a TypeError that says what to write, in place of Python's own."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type[Any])
BOUND = ("self", "cls")
"""Parameters that no caller names."""


@dataclass(frozen=True, slots=True)
class CallTerms:
    """How a call is named and written, and what options of other job systems are called here.

    `others` has for each such option the rest of a sentence.
    """

    call: str
    usage: str
    others: Mapping[str, str] = field(default_factory=dict)

    def describe_unknown(self, names: Iterable[str], known: Sequence[str]) -> str:
        """A sentence for each of these options, which the call does not have; `known` are those that it has."""
        return " ".join(self._describe(name, known) for name in names)

    def _describe(self, name: str, known: Sequence[str]) -> str:
        if name in self.others:
            return f"{self.call} has no {name}: {self.others[name]}."
        from difflib import get_close_matches  # needed where something is wrong alone

        near = get_close_matches(name, known, n=1)
        meant = f"did you mean {near[0]}?" if near else f"there is {', '.join(known)}."
        return f"{self.call} has no {name}: {meant}"


def explain_misuse(terms: CallTerms) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Has a call that does not fit the function raise a TypeError that names all mistakes and says what to write."""

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        def call(*args: P.args, **options: P.kwargs) -> R:
            try:
                return function(*args, **options)
            except TypeError as error:
                if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                    raise  # from within: the call itself did fit
                raise TypeError(_explanation(terms, function, args, options)) from None

        async def later(*args: P.args, **options: P.kwargs) -> object:
            return await cast("Awaitable[object]", call(*args, **options))

        outer = later if inspect.iscoroutinefunction(function) else call  # mocks look for what is one
        return cast("Callable[P, R]", wraps(function)(outer))

    return wrap


def explain_misuse_of_init(terms: CallTerms) -> Callable[[C], C]:
    """explain_misuse() for the constructor of a record."""

    def wrap(record: C) -> C:
        record.__init__ = explain_misuse(terms)(record.__init__)
        return record

    return wrap


def _explanation(
    terms: CallTerms, function: Callable[..., object], args: tuple[object, ...], options: Mapping[str, object]
) -> str:
    signature = inspect.signature(function)
    named = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    known = [each.name for each in signature.parameters.values() if each.kind in named and each.name not in BOUND]
    takes_more = any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values())
    unknown = [name for name in options if name not in known and (not takes_more or name in terms.others)]
    fitting = {name: value for name, value in options.items() if name not in unknown}
    return " ".join(filter(None, [terms.describe_unknown(unknown, known), _misfit(terms, signature, args, fitting)]))


def _misfit(
    terms: CallTerms, signature: inspect.Signature, args: tuple[object, ...], options: Mapping[str, object]
) -> str:
    """What is wrong beside the options that there are not, and how the call is written."""
    try:
        signature.bind(*args, **options)
    except TypeError as error:
        return f"{terms.call}: {error}. {terms.usage}"
    return terms.usage
