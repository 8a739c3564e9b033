"""A handler for processes that ends with the word it is told."""

from __future__ import annotations

import inspect

from cqworker import handler
from cqworker.plugins import handler as authors

WORDS: list[type[BaseException]] = [
    kind
    for _, kind in inspect.getmembers(authors, inspect.isclass)
    if issubclass(kind, BaseException) and kind.__module__ == authors.__name__
]
"""What an author raises to end an attempt on purpose."""
AFTER = 7
"""Seconds that a word asks for which takes any."""


def said(word: type[BaseException]) -> BaseException:
    """The word as an author raises it, with something in everything that it takes."""
    return word(**{name: "because" if name == "reason" else AFTER for name in inspect.signature(word).parameters})


@handler(executor="process")
def say(payload: str) -> None:
    """Raises the word of this name."""
    raise said(next(word for word in WORDS if word.__name__ == payload))
