"""Handlers whose errors quote what their payload says, in a module that costs a child little to import."""

from __future__ import annotations

from cqworker import Reject, Retry, handler

ERRORS = {each.__name__: each for each in (RuntimeError, Retry, Reject)}


@handler(max_attempts=1)
def fail_in_a_thread(payload: list[str]) -> None:
    error, text = payload
    raise ERRORS[error](text)


@handler(executor="process", max_attempts=1)
def fail_in_a_process(payload: list[str]) -> None:
    error, text = payload
    raise ERRORS[error](text)
