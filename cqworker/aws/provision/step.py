"""What was done to one resource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Action = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Step:
    """`what` kind of resource, its `name`, what was done to it (in a dry run: would be), and the details in words."""

    what: str
    name: str
    action: Action
    detail: str = ""
