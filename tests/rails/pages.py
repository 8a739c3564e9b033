"""The pages for people, and what they do not tell of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

WRITE_ROW = re.compile(r"(?m)^\| `([A-Z][a-z]\w+)` \| (.+) \| (.+) \| (.+) \|$")
"""A row of the protocol's about a write: its name, its part, the statuses before it and after."""


@cache
def text_of(page: str) -> str:
    """The text of a page in docs/."""
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


def untold(page: str, words: Iterable[str], form: str = "`{}`") -> list[str]:
    """Those of the words that the page does not say in this form: in backticks, unless told otherwise."""
    return [word for word in words if not re.search(form.format(re.escape(word)), text_of(page))]
