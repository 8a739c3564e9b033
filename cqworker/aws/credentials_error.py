"""What goes wrong with credentials before any service is asked."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError


class CredentialsError(BotoCoreError):
    """There are no usable credentials: `cause` and `remedy` are sentences for an operator, `code` a word for metrics.

    An exception of the SDK's kind, so that it passes through the SDK's own clients as theirs do.
    """

    fmt = "{cause} {remedy}"

    def __init__(self, *, cause: str, remedy: str, code: str) -> None:
        super().__init__(cause=cause, remedy=remedy, code=code)
        self.cause = cause
        self.remedy = remedy
        self.code = code


class CodeNeeded(BotoCoreError):
    """A profile asks for the code of an MFA device, which a daemon cannot ask anybody for."""

    fmt = "{device}"
