"""How a request is refused."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """An answer that is an error: its `code` as AWS names it, a message, the HTTP status, and what else it carries.

    `query_code` is the older name that SQS gives in the header x-amzn-query-error (SQS developer guide, AWS JSON).
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        query_code: str | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.query_code = query_code
        self.more = more or {}


def invalid(message: str) -> Refusal:
    """DynamoDB's word for a request that makes no sense."""
    return Refusal("ValidationException", message)
