"""What every table of the configuration has in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator


class Section(BaseModel):
    """A table of the configuration file; unknown keys are refused (unknown_keys.py says what may be meant)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_booleans_for_numbers(cls, value: object, info: ValidationInfo) -> object:
        """Pydantic takes `true` for the number 1."""
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise ValueError("true and false mean nothing here")
        return value


def duplicates_of(names: Iterable[str]) -> str:
    """The names that occur more than once, as one text; "" where none does."""
    seen = list(names)
    return ", ".join(sorted({name for name in seen if seen.count(name) > 1}))
