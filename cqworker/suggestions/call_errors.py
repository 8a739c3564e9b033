"""A call that does not fit its function, told with the word that is right here in place of Python's own TypeError."""

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


@dataclass(frozen=True, slots=True)
class CallTerms:
    """How a call is named and written, and what the words of others are for it, each as the rest of a sentence."""

    call: str
    usage: str
    others: Mapping[str, str] = field(default_factory=dict)

    def of_strangers(self, names: Iterable[str], known: Sequence[str]) -> str:
        """One sentence for each of these options, which the call does not have."""
        return " ".join(self._of(name, known) for name in names)

    def _of(self, name: str, known: Sequence[str]) -> str:
        if name in self.others:
            return f"{self.call} has no {name}: {self.others[name]}."
        from difflib import get_close_matches  # needed where something is wrong alone

        near = get_close_matches(name, known, n=1)
        meant = f"did you mean {near[0]}?" if near else f"there is {', '.join(known)}."
        return f"{self.call} has no {name}: {meant}"


def explain_misuse(words: CallTerms) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Makes a call that the function cannot be given a TypeError that says what to write; all mistakes at once."""

    def explained(function: Callable[P, R]) -> Callable[P, R]:
        def call(*args: P.args, **options: P.kwargs) -> R:
            try:
                return function(*args, **options)
            except TypeError as error:
                if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                    raise  # from within: the call itself did fit
                raise TypeError(_explanation(words, function, args, options)) from None

        async def later(*args: P.args, **options: P.kwargs) -> object:
            return await cast("Awaitable[object]", call(*args, **options))

        outer = later if inspect.iscoroutinefunction(function) else call  # mocks look for what is one
        return cast("Callable[P, R]", wraps(function)(outer))

    return explained


def explain_misuse_of_init(words: CallTerms) -> Callable[[C], C]:
    """The same for what a record is made of."""

    def explained(record: C) -> C:
        record.__init__ = explain_misuse(words)(record.__init__)
        return record

    return explained


def _explanation(
    words: CallTerms, function: Callable[..., object], args: tuple[object, ...], options: Mapping[str, object]
) -> str:
    signature = inspect.signature(function)
    named = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    known = [each.name for each in signature.parameters.values() if each.kind in named and each.name not in BOUND]
    takes_more = any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values())
    strangers = [name for name in options if name not in known and (not takes_more or name in words.others)]
    fitting = {name: value for name, value in options.items() if name not in strangers}
    return " ".join(filter(None, [words.of_strangers(strangers, known), _misfit(words, signature, args, fitting)]))


def _misfit(
    words: CallTerms, signature: inspect.Signature, args: tuple[object, ...], options: Mapping[str, object]
) -> str:
    """What is wrong beside the options that there are not, and how the call is written."""
    try:
        signature.bind(*args, **options)
    except TypeError as error:
        return f"{words.call}: {error}. {words.usage}"
    return words.usage
