"""What a command line says that comes from another job system, answered with the word for it."""

from __future__ import annotations

from click.exceptions import BadParameter, NoSuchCommand, NoSuchOption, UsageError

from cqworker.suggestions.command_terms import COMMANDS, OPTIONS, VALUES


def answered(error: UsageError) -> UsageError:
    """The error with the word that is right here behind its message, where that is known."""
    said = _answer_to(error, str(error.ctx.command.name)) if error.ctx is not None else None
    return error if said is None else UsageError(f"{error.format_message().rstrip('.')}. {said}", error.ctx)


def _answer_to(error: UsageError, command: str) -> str | None:
    if isinstance(error, NoSuchCommand):
        return COMMANDS.get(command, {}).get(error.command_name)
    if isinstance(error, NoSuchOption):
        return OPTIONS.get(command, {}).get(error.option_name)
    if isinstance(error, BadParameter) and error.param is not None:
        return VALUES.get(command, {}).get(str(error.param.name))
    return None
