"""The two things that an offer of a job type can become: a usable handler or a broken plugin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from cqworker.enums import Executor
from cqworker.model.unique import Unique
from cqworker.plugins.exception_text import one_line, summary_of
from cqworker.plugins.handler import Backoff, Lifespan, Options, options_of
from cqworker.plugins.job import Job
from cqworker.plugins.lifespan import check_lifespan
from cqworker.plugins.limit_field import limit_key_in
from cqworker.plugins.payload import validate_payload
from cqworker.plugins.result import encode_result
from cqworker.plugins.signature import Signature, Unusable, read_signature

if TYPE_CHECKING:  # a handler's process knows no settings, and need not wait for their import
    from cqworker.settings import BackoffSettings, TypeSettings


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a handler comes from: `package.module:function`, and the distribution that ships it."""

    name: str
    distribution: str
    version: str


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """An offer that cannot be used, why, and what mends it; `distribution` is its name and version."""

    type: str
    origin: str
    distribution: str
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Handler:
    """One usable job type: the author's function, his options with the operator's over them, and its two models.

    Times are in seconds, `memory` in MiB; `queue` is the operator's choice, None where he made none. The schemas are
    JSON Schema 2020-12, empty where a model has none.
    """

    type: str
    function: Callable[..., Any] = field(repr=False)
    timeout: float
    max_attempts: int
    backoff: Backoff
    concurrency: int | None
    queue: str | None
    executor: Executor
    memory: int | None
    lifespan: Lifespan | None = field(repr=False)
    takes_job: bool
    origin: str
    distribution: str
    version: str
    description: str | None
    payload_schema: dict[str, Any] = field(repr=False)
    result_schema: dict[str, Any] = field(repr=False)
    payload_model: TypeAdapter[Any] = field(repr=False)
    unique: Unique | None = None
    limits: str | None = None

    def validate(self, payload: str) -> object:
        """The model instance of a payload's JSON text.

        Raises InvalidPayload, with RFC 6901 pointers ("" for the whole).
        """
        return validate_payload(self.payload_model, payload)

    def limit_key_of(self, payload: str) -> str | None:
        """What limits count a job by, of this payload's JSON text; None where the author names no field.

        Raises InvalidPayload where the field has no limit key.
        """
        return None if self.limits is None else limit_key_in(payload, self.limits)

    def call(self, payload: object, job: Job) -> Any:
        """What the function returns, a coroutine from an `async def`; the job is given to those that take it."""
        return self.function(payload, job) if self.takes_job else self.function(payload)

    def encode(self, result: object) -> str:
        """The result as JSON text. Raises TypeError or ValueError, in a sentence, where it has none."""
        return encode_result(result)


def read_handler(type_name: str, found: object, origin: Origin, override: TypeSettings | None) -> Handler:
    """The handler that `found` is, with the operator's options over the author's.

    Raises Unusable, with cause and remedy, where it is none.
    """
    options = options_of(found)
    if options is None or not callable(found):
        kind = "class" if isinstance(found, type) else type(found).__name__
        start = "A handler is a function" if isinstance(found, type) else "Decorate it"
        raise Unusable(
            f"{origin.name} is {_with_article(kind)} without @handler.",
            f"{start}: from cqworker import handler, then @handler above the def.",
        )
    if options.executor == "process" and "<locals>" in getattr(found, "__qualname__", ""):
        raise Unusable(
            f"{origin.name} is defined inside another function, where no other process finds it.",
            "Move it to the top of its module, or leave executor='process' out.",
        )
    check_lifespan(options.lifespan, origin.name)
    return _assemble(type_name, found, origin, _apply_override(options, override), override)


def _assemble(
    type_name: str, function: Callable[..., Any], origin: Origin, options: Options, override: TypeSettings | None
) -> Handler:
    signature = read_signature(function)
    payload_model = _payload_model(origin, signature)
    return Handler(
        type=type_name,
        function=function,
        timeout=options.timeout,
        max_attempts=options.max_attempts,
        backoff=options.backoff,
        concurrency=options.concurrency,
        queue=override.queue if override else None,
        executor=options.executor,
        memory=options.memory,
        lifespan=options.lifespan,
        takes_job=signature.takes_job,
        origin=origin.name,
        distribution=origin.distribution,
        version=origin.version,
        description=_first_line(function),
        payload_schema=_schema(payload_model, "validation"),
        result_schema=_result_schema(signature),
        payload_model=payload_model,
        unique=options.unique,
        limits=options.limits,
    )


def _apply_override(options: Options, override: TypeSettings | None) -> Options:
    if override is None:
        return options
    backoff = _backoff(override.backoff) if override.backoff else options.backoff
    return Options(
        timeout=override.timeout or options.timeout,
        max_attempts=override.max_attempts or options.max_attempts,
        backoff=backoff,
        concurrency=override.concurrency or options.concurrency,
        executor=options.executor,
        memory=override.memory or options.memory,
        lifespan=options.lifespan,
        unique=options.unique,
        limits=options.limits,
    )


def _backoff(settings: BackoffSettings) -> Backoff:
    return Backoff(first=settings.first, factor=settings.factor, cap=settings.cap)


def _payload_model(origin: Origin, signature: Signature) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(signature.payload)
    except Exception as error:  # building a model runs code of the plugin's
        raise Unusable(
            f"{origin.name}: pydantic cannot make a model of its payload ({summary_of(error)}).",
            "Use a pydantic model, a dataclass or plain types.",
        ) from error


def _result_schema(signature: Signature) -> dict[str, Any]:
    if signature.result is None:
        return {}
    try:
        return _schema(TypeAdapter(signature.result), "serialization")
    except Exception:  # noqa: BLE001  # a result without a model is a result all the same
        return {}


def _schema(model: TypeAdapter[Any], mode: JsonSchemaMode) -> dict[str, Any]:
    try:
        return model.json_schema(mode=mode)
    except Exception:  # noqa: BLE001  # some models (validators around any object) have no schema and work
        return {}


def _first_line(function: Callable[..., Any]) -> str | None:
    lines = (getattr(function, "__doc__", None) or "").strip().splitlines()
    return one_line(lines[0]) if lines else None


def _with_article(noun: str) -> str:
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"
