"""JSON pointers (RFC 6901) to what does not fit: every pointer of a 422 answer is made with these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: the JSON pointer of the field in the body, and what is wrong with it."""

    pointer: str
    detail: str


def escape_token(key: object) -> str:
    """A key or an index as a reference token of a pointer (RFC 6901, section 3)."""
    return str(key).replace("~", "~0").replace("/", "~1")


def pointer_of(parts: Iterable[object]) -> str:
    """The pointer to what lies behind these keys and indices; "" for none, which is the whole document."""
    return "".join(f"/{escape_token(part)}" for part in parts)


@dataclass(frozen=True, slots=True)
class JobPointer:
    """Makes pointers to one job's fields in the body that a client sent.

    `at` points to the job's object: "" where it is the whole body, "/jobs/3" for the fourth of a batch. `names` has
    what the client called our fields where it used an alias, such as "params" for "payload".
    """

    at: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    def to(self, name: str, *rest: object) -> str:
        """The pointer to our field `name`, or to what lies behind `rest` within it."""
        return self.at + pointer_of([self.names.get(name, name), *rest])


ROOT = JobPointer()
"""Pointers into a body that is one job, in our own field names."""
