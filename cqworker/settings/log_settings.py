"""The settings of the log."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from cqworker.enums import LEVELS, Level
from cqworker.settings.section import Section

SDK_LOGGERS = frozenset({"aiobotocore", "boto3", "botocore", "s3transfer", "urllib3"})
"""The loggers of the AWS SDK: at "debug" they write requests with signatures and credentials."""


class LogSettings(Section):
    """`[log]`: how much is said, and in which form."""

    level: Level = Field("info", description="The least that is logged.")
    levels: dict[str, Level] = Field(
        default_factory=dict,
        description="The least that is logged of what the standard library's loggers of these names, and those below "
        'them, say; "root" is all others, of which warnings and errors are logged.',
    )
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="One JSON object a line, lines for people, or (auto) people on a terminal, JSON elsewhere."
    )

    @field_validator("levels")
    @classmethod
    def _refuse_what_would_log_secrets(cls, levels: dict[str, Level]) -> dict[str, Level]:
        for name, level in levels.items():
            if not name or name != name.strip("."):
                raise ValueError(f'"{name}" is no name of a logger; write one like "acme.orders", or "root"')
            if level == LEVELS[0] and name.partition(".")[0] in SDK_LOGGERS:
                raise ValueError(
                    f"{name} writes signed requests and credentials at {level}; {LEVELS[1]} is the least for it"
                )
        return levels
