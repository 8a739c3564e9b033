"""--priority: the level of its queue that a job goes to."""

from __future__ import annotations

import click

from cqworker.model.priorities import ALIASES, MOST, PRIORITIES

NAMES = (*PRIORITIES, *ALIASES)
"""What a level may be called."""


class Priority(click.ParamType[str | int]):
    """A level by its name, or a number from 0 to 9."""

    name = "LEVEL"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> str | int:
        if value in NAMES:
            return value
        if not str(value).isdecimal() or int(value) > MOST:
            self.fail(f"{value!r} is none of {', '.join(PRIORITIES)}, and no number from 0 to {MOST}", param, ctx)
        return int(value)


priority_option = click.option(
    "--priority", type=Priority(), help="A level of its queue, such as high, or 0 to 9, the most urgent; else medium."
)
