"""A submission that is refused for one of its fields, once its form was right."""

from __future__ import annotations

from typing import ClassVar

from cqworker.errors import SubmissionRefused


class FieldRefused(SubmissionRefused):
    """What a field asks for cannot be had here or now; `field` is its name."""

    field: ClassVar[str]
