"""The bodies that jobs are submitted with, as pydantic models, and the faults of those that do not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SkipValidation,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from cqworker.enums import DuplicateName, UniqueScopeName
from cqworker.errors import SubmissionRefused
from cqworker.jobs.submission_fields import (
    AnySpelling,
    Attempts,
    Delay,
    PriorityAsked,
    RunAt,
    Tag,
    UniqueFields,
    UniqueText,
    Wait,
    check_by,
)
from cqworker.model.ids import IDEMPOTENCY_KEY
from cqworker.model.job_limits import (
    MAX_BATCH,
    MAX_METADATA,
    MAX_METADATA_BYTES,
    MAX_PAUSE,
    MAX_TAGS,
    MAX_TYPE,
    metadata_fault,
)
from cqworker.model.json_pointer import ROOT, Fault, JobPointer
from cqworker.model.limits import MAX_LIMIT_KEY
from cqworker.model.unique import Unique
from cqworker.suggestions.submission_terms import FIELDS_ELSEWHERE

MAX_FAULTS = 20
"""Faults of a body that are reported: it can be wrong in ten thousand places."""
MAX_SUGGESTED_NAME = 64
"""Characters of an unknown field's name up to which a similar field is looked for, which costs their square."""
NO_FIELD = "is no field here"
ALIASES = {"job_type": "type", "params": "payload"}
"""What other job systems call our fields, and our names."""
NOT_AN_OBJECT = {"model_type", "model_attributes_type", "dict_type"}
"""Pydantic's names of a fault of which it speaks in Python's words."""


class RequestBody(BaseModel):
    """A request body: strict, and without fields that are not read.

    The names of the models below are those of the components in the API's description: they stay as they are.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, frozen=True)


class UniqueAsk(RequestBody):
    """What a job is unique by, among those of its type, and for how long."""

    by: Annotated[UniqueText | UniqueFields, BeforeValidator(check_by)] | None = Field(
        default=None,
        description="Fields of the payload that make jobs the same, or a text of your own; else the whole payload.",
    )
    scope: UniqueScopeName | None = Field(
        default=None,
        description="How long the job keeps others with the same from being made: until it is finished, until its "
        "first start, or for a window of time. Else until_finished, and window where window_seconds are given.",
    )
    window_seconds: Annotated[int, Field(ge=1, le=MAX_PAUSE), AnySpelling] | None = Field(
        default=None, description="With the scope window: its seconds from the submission on, 366 days at most."
    )

    @model_validator(mode="after")
    def _makes_a_key(self) -> Self:
        is_window = self.scope == "window" or (self.scope is None and self.window_seconds is not None)
        if is_window and self.window_seconds is None:
            raise ValueError(f"the scope window needs window_seconds, 1 to {MAX_PAUSE} (366 days)")
        if not is_window and self.window_seconds is not None:
            raise ValueError(f"window_seconds goes with the scope window, not with {self.scope}")
        return self

    def unique(self) -> Unique:
        """The same as the model has it. Raises ValueError where it makes no key."""
        return Unique(self.by, scope=self.scope, window=self.window_seconds)


class SubmitAsk(RequestBody):
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
    delay_seconds: Delay = Field(default=0, description="Else 0. 366 days at most; run_at says a time.")
    run_at: RunAt | None = Field(
        default=None,
        description="When it shall start: a time with its offset from UTC, 366 days ahead at most. One that has passed "
        "is now. It goes with no delay_seconds.",
    )
    priority: PriorityAsked | None = Field(
        default=None,
        description="A level of its queue, or a number from 0 to 9, the most urgent, for the level that it falls to; "
        "else medium.",
    )
    limit_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_LIMIT_KEY,
        description="What its limits of `key:*` count it by, with the tenant's other jobs of the same text; else none.",
    )

    unique: UniqueAsk | None = Field(
        default=None, description="What it is unique by: no second such job is made meanwhile. Else the type's, if any."
    )
    on_duplicate: DuplicateName = Field(
        default="return",
        description="What to do where a job has the unique key: return that one, replace its payload and time while it "
        "has yet to start, or reject this request (409).",
    )
    debounce_seconds: Wait | None = Field(
        default=None, description="It starts so long after the last one with its unique key."
    )
    max_wait_seconds: Wait | None = Field(
        default=None, description="With debounce_seconds: it starts so long after the first submission at the latest."
    )

    @field_validator("metadata")
    @classmethod
    def _metadata_is_small(cls, metadata: dict[str, str]) -> dict[str, str]:
        if (fault := metadata_fault(metadata)) is not None:
            raise ValueError(fault)
        return metadata


class BatchJobAsk(SubmitAsk):
    """A job of a batch."""

    idempotency_key: str | None = Field(
        default=None, pattern=IDEMPOTENCY_KEY, description="As the header of POST /jobs."
    )


class BatchAsk(RequestBody):
    """Jobs to run; each is read, refused and accepted for itself."""

    jobs: list[SkipValidation[BatchJobAsk]] = Field(min_length=1, max_length=MAX_BATCH)


class InvalidFields(SubmissionRefused):
    """Fields of a body do not fit; `faults` are the first of them, with pointers into the whole body.

    `summary` says it in one sentence; the error's text has the other faults besides.
    """

    def __init__(self, summary: str, faults: Sequence[Fault]) -> None:
        others = [f"{fault.pointer}: {fault.detail}" for fault in faults if fault.detail not in summary]
        super().__init__("; ".join([summary, *others]))
        self.summary = summary
        self.faults: tuple[Fault, ...] = tuple(faults)

    def __reduce__(self) -> tuple[object, ...]:
        """A child process may have found it; an exception alone would forget all but its text."""
        return type(self), (self.summary, self.faults)


ModelT = TypeVar("ModelT", bound=RequestBody)


def unalias(body: Mapping[str, Any], at: str = "") -> tuple[dict[str, Any], JobPointer]:
    """A job's object with our field names, and what makes pointers into it as the client wrote it.

    `at` points to where it stands in the request's body. Raises InvalidFields where a field is given under two names.
    """
    twice = [Fault(f"{at}/{alias}", f"is the same as {ours}; say one of them") for alias, ours in ALIASES.items()
             if alias in body and ours in body]  # fmt: skip
    if twice:
        raise InvalidFields("A field is given under two names.", twice)
    names = {ours: alias for alias, ours in ALIASES.items() if alias in body}
    return {ALIASES.get(name, name): value for name, value in body.items()}, JobPointer(at, names)


def validate(
    model: type[ModelT], body: Mapping[str, Any], pointer: JobPointer = ROOT, most: int = MAX_FAULTS
) -> ModelT:
    """The body as this model. Raises InvalidFields with a JSON pointer for each of the first `most` faults.

    Where `most` is 1, no similar name is looked for.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        faults = [_fault_of(detail, pointer, model) for detail in found[:most]]
        unknown = next((place for place, detail in enumerate(found[:most]) if _is_unknown(detail)), None)
        if unknown is not None and most > 1:
            faults[unknown] = _with_suggestion(faults[unknown], str(found[unknown]["loc"][0]), model)
        raise InvalidFields(_summary_of(faults, len(found)), faults) from None


def _fault_of(detail: ErrorDetails, pointer: JobPointer, model: type[RequestBody]) -> Fault:
    first, *rest = detail["loc"] or ("",)
    place = pointer.to(str(first), *(part for part in rest if part != "[key]"))
    if _is_unknown(detail):
        meant = FIELDS_ELSEWHERE.get(str(first), "")
        return Fault(place, f"is no field here; it is {meant}" if meant in model.model_fields else NO_FIELD)
    if detail["type"] in NOT_AN_OBJECT:
        return Fault(place, "Input should be an object")
    return Fault(place, detail["msg"].removeprefix("Value error, "))


def _is_unknown(detail: ErrorDetails) -> bool:
    return detail["type"] == "extra_forbidden"


def _with_suggestion(fault: Fault, name: str, model: type[RequestBody]) -> Fault:
    """The similar field that was probably meant, for the first unknown one alone: looking for it is dear."""
    if fault.detail != NO_FIELD:
        return fault
    near = get_close_matches(name, model.model_fields, n=1) if len(name) <= MAX_SUGGESTED_NAME else []
    return Fault(fault.pointer, f"{fault.detail}; did you mean {near[0]}?") if near else fault


def _summary_of(faults: Sequence[Fault], total: int) -> str:
    more = f" (and {total - 1} more)" if total > 1 else ""
    return f"{faults[0].pointer}: {faults[0].detail}{more}"
