"""An answer with a JSON body."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from aiohttp import web


def as_json(shown: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """The data as an answer of application/json."""
    return web.Response(status=status, body=orjson.dumps(shown), content_type="application/json", headers=headers)
