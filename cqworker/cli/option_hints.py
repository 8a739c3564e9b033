"""Adds the right name to the error about a command or option that another job system has."""

from __future__ import annotations

from click.exceptions import NoSuchCommand, NoSuchOption, UsageError

from cqworker.suggestions.command_terms import COMMANDS, OPTIONS


def add_hint(error: UsageError) -> UsageError:
    """The error, with the name that is right here behind its message, where that is known."""
    hint = _hint_for(error, str(error.ctx.command.name)) if error.ctx is not None else None
    return error if hint is None else UsageError(f"{error.format_message().rstrip('.')}. {hint}", error.ctx)


def _hint_for(error: UsageError, command: str) -> str | None:
    if isinstance(error, NoSuchCommand):
        return COMMANDS.get(command, {}).get(error.command_name)
    if isinstance(error, NoSuchOption):
        return OPTIONS.get(command, {}).get(error.option_name)
    return None
