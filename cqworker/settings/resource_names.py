"""Names of queues, tables and buckets: an address in place of a name is refused, with the name that is in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from cqworker.model.job_limits import QUEUE_NAME

ADDRESS_PREFIXES = (("http://", "URL"), ("https://", "URL"), ("s3://", "URL"), ("arn:", "ARN"))
"""How an address begins, and what it is called."""


def refuse_address(value: object) -> object:
    """The value itself. Raises ValueError where it is a URL or an ARN, with the name to write instead."""
    for beginning, kind in ADDRESS_PREFIXES:
        if isinstance(value, str) and value.startswith(beginning):
            raise ValueError(f'give the name, "{_name_in(value)}", not the {kind}')
    return value


def _name_in(address: str) -> str:
    """Of a bucket what comes first, of a queue or a table what comes last."""
    if address.startswith(("s3://", "arn:aws:s3:")):
        return address.removeprefix("s3://").rpartition(":")[2].partition("/")[0]
    return address.rstrip("/").rpartition("/")[2].rpartition(":")[2]


ResourceName = Annotated[str, BeforeValidator(refuse_address)]
"""The name of a table or a bucket."""
QueueName = Annotated[ResourceName, Field(pattern=QUEUE_NAME)]
"""The name of a standard queue."""
