"""How a command ends badly: the exit code, and one sentence that says what was wrong and how to mend it."""

from __future__ import annotations

import errno
import os
import traceback
from contextlib import suppress

import click

from cqworker.cli.option_hints import add_hint
from cqworker.enums import ExitCode
from cqworker.errors import ConfigurationError, CqworkerError, InvalidPayload
from cqworker.platform.sd_notify import journal_prefixes, prefix_lines

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


class CommandUnavailable(CqworkerError):
    """The command cannot run in this installation or on this system; the text says what it needs."""


def report(error: Exception, *, debug: bool) -> int:
    """Say on stderr what happened and return the exit code, also where stderr takes nothing.

    The traceback is shown only with `debug`.
    """
    if isinstance(error, click.exceptions.UsageError):
        with suppress(OSError):
            add_hint(error).show()
        return ExitCode.USAGE
    code, text = _code_and_text(error, debug)
    with suppress(OSError):
        if debug:
            _print_error("".join(traceback.format_exception(error)).rstrip("\n"))
        _print_error(text)
    return code


def _print_error(text: str) -> None:
    """Under systemd the journal keeps it as an error."""
    prefixes = journal_prefixes(2, os.environ)
    click.echo(prefix_lines(prefixes.get("error", ""), text), err=True)


def _code_and_text(error: Exception, debug: bool) -> tuple[ExitCode, str]:
    if isinstance(error, ConfigurationError):
        return ExitCode.CONFIGURATION, "\n".join(error.faults)
    if isinstance(error, CommandUnavailable):
        return ExitCode.CONFIGURATION, str(error)
    if isinstance(error, InvalidPayload):
        return ExitCode.FAILED, f"The payload does not fit the job type: {error}"
    if isinstance(error, CqworkerError):
        return ExitCode.FAILED, str(error)
    if isinstance(error, click.Abort):
        return ExitCode.FAILED, "Interrupted."
    if isinstance(error, click.ClickException):
        return ExitCode.FAILED, error.format_message()
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        place = error.filename or "what the output goes to"
        return ExitCode.FAILED, f"No space is left on the disk for {place}. Make room, or write elsewhere."
    hint = "" if debug else " `cqworker --debug …` shows where."
    return ExitCode.INTERNAL, f"Internal error: {type(error).__name__}: {error}.{hint}"
