"""Keeps what strangers write into a job's type out of labels and counts."""

from __future__ import annotations

from collections.abc import Collection

UNKNOWN = "(unknown)"
"""Stands for every job type that no handler here has: anybody can invent one."""


class KnownTypes:
    """The job types with a handler, and one name for all the others."""

    def __init__(self, types: Collection[str]) -> None:
        self._types = frozenset(types)

    def name(self, job_type: str) -> str:
        return job_type if job_type in self._types else UNKNOWN
