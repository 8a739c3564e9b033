"""What a handler's signature says: the payload's model, whether it takes the job, what it returns."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, get_type_hints

from cqworker.plugins.exception_text import summary_of
from cqworker.plugins.job import Job

_SHAPE = "Write it as f(payload: Model) or f(payload: Model, job: Job)."
_FIRST_ELSEWHERE = frozenset({"self", "ctx", "context", "job", "task"})
"""What is given first in other job systems, or to methods."""
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Unusable(Exception):
    """The object cannot serve as a handler: `cause` says why, `remedy` what its author can do."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause} {remedy}")
        self.cause = cause
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Signature:
    """The types that a handler takes and gives; `result` is None where the author did not say."""

    payload: Any
    takes_job: bool
    result: Any | None


def read_signature(function: Callable[..., Any]) -> Signature:
    """What the signature of a function says. Raises Unusable, with cause and remedy, where it is no handler's."""
    signature = _signature_of(function)
    parameters = list(signature.parameters.values())
    name = getattr(function, "__qualname__", repr(function))
    _check_shape(name, parameters)
    payload = _payload(name, function, parameters[0])
    takes_job = len(parameters) > 1 and _asks_for_job(name, function, parameters[1])
    return Signature(payload, takes_job, _result(function, signature))


def _signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """The signature with every annotation as far as it can be evaluated.

    Since Python 3.14 (PEP 649) annotations are evaluated when they are asked for, all at once, and one name that is
    imported for type checkers alone would hide the others.
    """
    if sys.version_info >= (3, 14):
        from annotationlib import Format  # new in 3.14

        return inspect.signature(function, annotation_format=Format.FORWARDREF)
    return inspect.signature(function)


def _check_shape(name: str, parameters: list[inspect.Parameter]) -> None:
    if not parameters:
        raise Unusable(f"{name} takes no payload.", _SHAPE)
    for parameter in parameters[:2]:
        if parameter.kind not in _POSITIONAL and parameter.default is parameter.empty:
            raise Unusable(f"{name} does not take {parameter.name} by position.", _SHAPE)
    for parameter in parameters[2:]:
        if parameter.default is parameter.empty and parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            raise Unusable(f"{name} takes {parameter.name} besides the payload and the job.", _SHAPE)


def _payload(name: str, function: Callable[..., Any], first: inspect.Parameter) -> Any:
    if first.annotation is first.empty:
        if first.name in _FIRST_ELSEWHERE:
            raise Unusable(f"{name} takes {first.name} first.", f"There is only the payload, and the job. {_SHAPE}")
        raise Unusable(
            f"{name} does not say what its payload is: its first parameter, {first.name}, has no annotation.",
            "Annotate it with a pydantic model, a dataclass or a plain type such as dict[str, int].",
        )
    try:
        model = _resolve(function, first.annotation)
    except Exception as error:  # annotations are the plugin's code
        raise Unusable(
            f"{name}: the annotation of {first.name} cannot be resolved ({summary_of(error)}).",
            "Import the payload's model at the top of the module, outside TYPE_CHECKING.",
        ) from error
    if model is Job:
        raise Unusable(f"{name} takes the job first.", "The payload comes first, the job second: f(payload, job).")
    return model


def _asks_for_job(name: str, function: Callable[..., Any], second: inspect.Parameter) -> bool:
    """Whether the second parameter is the job; one with a default may be an option of the author's own."""
    is_needed = second.default is second.empty and second.kind in _POSITIONAL
    try:
        annotation = _resolve(function, second.annotation)
    except Exception:  # noqa: BLE001  # Job may be imported under TYPE_CHECKING alone
        return is_needed
    if annotation in (Job, Job | None):
        return second.kind in _POSITIONAL
    if is_needed and annotation not in (Any, object, second.empty):
        raise Unusable(f"{name} takes {second.name}, which is no Job, where the job is given.", _SHAPE)
    return is_needed


def _result(function: Callable[..., Any], signature: inspect.Signature) -> Any | None:
    if signature.return_annotation is signature.empty:
        return None
    try:
        return _resolve(function, signature.return_annotation)
    except Exception:  # noqa: BLE001  # a result without a schema is a result all the same
        return None


def _resolve(function: Callable[..., Any], annotation: Any) -> Any:
    """One annotation alone, so that another one, imported for type checkers only, does no harm."""
    holder = SimpleNamespace(__annotations__={"it": annotation})
    names = getattr(inspect.unwrap(function), "__globals__", {})
    return get_type_hints(holder, globalns=names, include_extras=True)["it"]
