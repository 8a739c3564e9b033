"""How a command reaches jobs: through a daemon's HTTP API, or itself on AWS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cqworker.cli.options import settings_from

if TYPE_CHECKING:
    from cqworker.client.transport import Transport


@asynccontextmanager
async def open_transport(config: Path | None, url: str | None, token: str | None) -> AsyncIterator[Transport]:
    """The transport to the daemon at `url`, or directly to AWS with the settings that apply here.

    Raises ConfigurationError with every fault of the settings, NotAdmitted where the daemon refuses the token.
    """
    if url:
        from cqworker.client.client_errors import NotAdmitted
        from cqworker.client.http_transport import http_transport

        try:
            async with http_transport(url, token) as transport:
                yield transport
        except NotAdmitted as error:
            raise NotAdmitted(f"{error} Give the token as CQWORKER_TOKEN.") from error
    else:
        settings = settings_from(config)
        from cqworker.client.direct_transport import direct_transport

        async with direct_transport(settings) as transport:
            yield transport
