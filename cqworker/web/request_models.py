"""The bodies that are asked with, and what is wrong with those that do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SkipValidation, ValidationError, field_validator
from pydantic_core import ErrorDetails

from cqworker.model.ids import KEY
from cqworker.model.job_limits import (
    MAX_ATTEMPTS,
    MAX_METADATA,
    MAX_METADATA_BYTES,
    MAX_ROUND,
    MAX_TAG,
    MAX_TAGS,
    MAX_TYPE,
    metadata_fault,
)
from cqworker.web.problems import Fault, Kind, Problem
from cqworker.web.strict_json import escaped

MAX_DELAY_SECONDS = 900
MAX_FAULTS = 20
"""A body can be wrong in ten thousand places; this many are told."""
LONGEST_NAME = 64
"""Characters of a field's name for which it is worth looking what was meant."""
ALIASES = {"job_type": "type", "params": "payload"}
"""What others call our fields."""
MAX_JOBS = 500
"""Jobs in one batch."""


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


AnySpelling: BeforeValidator = BeforeValidator(_whole)
"""10, 10.0 and 1e1 are the same whole number (JSON Schema 2020-12, section 6.1.1)."""
Tag = Annotated[str, Field(min_length=1, max_length=MAX_TAG)]
Attempts = Annotated[int, Field(ge=1, le=MAX_ATTEMPTS), AnySpelling]
Round = Annotated[int, Field(ge=1, le=MAX_ROUND), AnySpelling]
Delay = Annotated[int, Field(ge=0), AnySpelling]


class Ask(BaseModel):
    """A request body: strict, and without room for what nobody reads."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, frozen=True)


class SubmitAsk(Ask):
    """A job to run; `job_type` and `params` are understood for `type` and `payload`."""

    type: str = Field(min_length=1, max_length=MAX_TYPE, description="A job type, as GET /handlers lists them.")
    payload: Any = Field(description="What the type's handler asks for: its payload_schema.")
    queue: str | None = Field(default=None, min_length=1, max_length=80, description="Else the type's, else the first.")
    metadata: dict[str, str] = Field(
        default_factory=dict,
        max_length=MAX_METADATA,
        description="Keys and values have at most 1,024 bytes in all.",
        json_schema_extra={
            "propertyNames": {"maxLength": MAX_METADATA_BYTES},
            "additionalProperties": {"type": "string", "maxLength": MAX_METADATA_BYTES},
        },
    )
    tags: list[Tag] = Field(default_factory=list, max_length=MAX_TAGS)
    max_attempts: Attempts | None = Field(default=None, description="Else the type's.")
    delay_seconds: Delay = Field(
        default=0,
        description="Else 0. SQS delays no message for longer.",
        json_schema_extra={"maximum": MAX_DELAY_SECONDS},
    )

    @field_validator("metadata")
    @classmethod
    def _metadata_is_small(cls, metadata: dict[str, str]) -> dict[str, str]:
        if (fault := metadata_fault(metadata)) is not None:
            raise ValueError(fault)
        return metadata

    @field_validator("delay_seconds")
    @classmethod
    def _delay_is_possible(cls, seconds: int) -> int:
        if seconds > MAX_DELAY_SECONDS:
            raise ValueError(f"at most {MAX_DELAY_SECONDS} (15 minutes): SQS cannot delay a message for longer")
        return seconds


class BatchJobAsk(SubmitAsk):
    """A job of a batch."""

    idempotency_key: str | None = Field(default=None, pattern=KEY, description="As the header of POST /jobs.")


class BatchAsk(Ask):
    """Jobs to run; each is read, refused and accepted for itself."""

    jobs: list[SkipValidation[BatchJobAsk]] = Field(min_length=1, max_length=MAX_JOBS)


class RetryAsk(Ask):
    """A retry that may be repeated: it opens the round after this one, or finds it open."""

    round: Round | None = Field(default=None, description="The job's round as it was seen.")


AskT = TypeVar("AskT", bound=Ask)


def our_names(body: Mapping[str, Any], at: str = "") -> tuple[dict[str, Any], dict[str, str]]:
    """The body with our field names, and what the client called them; raises Problem where a thing is said twice.

    `at` points to where the body stands in the request's.
    """
    called = {ALIASES.get(name, name): name for name in body}
    twice = [Fault(f"{at}/{other}", f"is the same as {ours}; say one of them") for other, ours in ALIASES.items()
             if other in body and ours in body]  # fmt: skip
    if twice:
        raise Problem(Kind.INVALID, "A field is given under two names.", errors=twice)
    return {ours: body[theirs] for ours, theirs in called.items()}, called


def understood(
    model: type[AskT],
    body: Mapping[str, Any],
    called: Mapping[str, str] | None = None,
    at: str = "",
    most: int = MAX_FAULTS,
) -> AskT:
    """The body as this model; raises Problem 422 with a JSON pointer for each of the first fields that do not fit.

    `most` are told; where that is one alone, nobody looks for what was meant.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        faults = [_fault(detail, called or {}, at) for detail in found[:most]]
        unknown = next((place for place, detail in enumerate(found[:most]) if _is_unknown(detail)), None)
        if unknown is not None and most > 1:
            faults[unknown] = _with_suggestion(faults[unknown], str(found[unknown]["loc"][0]), model)
        raise Problem(Kind.INVALID, _in_words(faults, len(found)), errors=faults) from None


def _fault(detail: ErrorDetails, called: Mapping[str, str], at: str) -> Fault:
    first, *rest = detail["loc"] or ("",)
    pointer = at + pointer_of([called.get(str(first), first), *(part for part in rest if part != "[key]")])
    if _is_unknown(detail):
        return Fault(pointer, "is no field here")
    return Fault(pointer, detail["msg"].removeprefix("Value error, "))


def _is_unknown(detail: ErrorDetails) -> bool:
    return detail["type"] == "extra_forbidden"


def _with_suggestion(fault: Fault, name: str, model: type[Ask]) -> Fault:
    """What was probably meant, for the first unknown field alone: looking for it takes longer than all the rest."""
    near = get_close_matches(name, model.model_fields, n=1) if len(name) <= LONGEST_NAME else []
    return Fault(fault.pointer, f"{fault.detail}; did you mean {near[0]}?") if near else fault


def _in_words(faults: list[Fault], total: int) -> str:
    more = f" (and {total - 1} more)" if total > 1 else ""
    return f"{faults[0].pointer}: {faults[0].detail}{more}"


def pointer_of(parts: Iterable[object]) -> str:
    """A JSON pointer (RFC 6901) to what lies behind these keys and indices."""
    return "".join(f"/{escaped(part)}" for part in parts)
