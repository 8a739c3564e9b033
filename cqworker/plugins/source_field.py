"""The field of a payload that names an object to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cqworker.errors import SourceRefused

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

MAX_LENGTH = 1100
"""Characters of a source: a bucket's name has 63 at most, a key 1,024 bytes."""


class Source(str):
    """Text that `job.artifacts.read()` may understand: annotate a payload's field with it.

    `artifact:<id>` or `s3://bucket/key`, the key to the letter. What is neither, or a key that cannot be read safely,
    is refused when the job is submitted; whether the place is an allowed one, and what is there, the job finds out.
    """

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(_validate, core_schema.str_schema(max_length=MAX_LENGTH))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | {
            "pattern": r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+|artifact:[A-Za-z0-9_-]{1,64})$",
            "description": "`artifact:<id>` of an upload, or `s3://bucket/key` in a place that jobs may read, or "
            "written by a job of the tenant; the key is taken to the letter, and has no control characters nor `.` or "
            "`..` between slashes",
        }


def _validate(text: str) -> Source:
    from pydantic_core import PydanticCustomError

    from cqworker.model.source_reference import check_source  # the face is to be light

    try:
        check_source(text)
    except SourceRefused as error:
        raise PydanticCustomError("source_refused", "{reason}", {"reason": str(error)}) from error
    return Source(text)
