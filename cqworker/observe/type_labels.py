"""Keeps job types that clients invent out of labels and counts."""

from __future__ import annotations

from collections.abc import Collection

UNKNOWN_TYPE = "(unknown)"
"""Stands for every job type that no handler here has: anybody can invent one."""


class TypeLabels(dict[str, str]):
    """The name that a job type goes by: its own where a handler has it, one name for all the others."""

    def __init__(self, types: Collection[str]) -> None:
        super().__init__((name, name) for name in types)

    def __missing__(self, job_type: str) -> str:
        return UNKNOWN_TYPE
