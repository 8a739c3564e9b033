"""A group whose help shows the first sentence of each of its commands whole."""

from __future__ import annotations

import click

LONGEST = 400
"""Characters of a sentence that is shown whole."""


class FullSummaries(click.Group):
    """Wraps what click would cut off at the end of the line."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands with their first sentences."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, command.get_short_help_str(LONGEST)) for name, command in found if command is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
