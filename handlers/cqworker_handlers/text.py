"""text.transform: a text in capitals, measured."""

from __future__ import annotations

from pydantic import BaseModel

from cqworker import handler


class Transform(BaseModel):
    """The text to transform."""

    text: str


class Transformed(BaseModel):
    """Lengths are counted in characters, words are what stands between white space."""

    original_length: int
    uppercase: str
    word_count: int


@handler(timeout=10)
async def transform(payload: Transform) -> Transformed:
    """Writes a text in capitals, counts its characters and its words."""
    text = payload.text
    return Transformed(original_length=len(text), uppercase=text.upper(), word_count=len(text.split()))
