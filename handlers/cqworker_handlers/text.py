"""text.transform: a text in capitals, measured."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from cqworker import handler


class Transform(BaseModel):
    """The text to transform."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "hello world"}]})

    text: str


class Transformed(BaseModel):
    """Lengths are counted in Unicode code points, of which one that is seen may have several; white space parts words.

    Capitals are those of Unicode's default case conversion (Unicode Standard, 3.13), for no language in particular.
    """

    original_length: int
    uppercase: str
    word_count: int


@handler(timeout=10)
async def transform(payload: Transform) -> Transformed:
    """Writes a text in capitals, counts its code points and its words."""
    text = payload.text
    return Transformed(original_length=len(text), uppercase=text.upper(), word_count=len(text.split()))
