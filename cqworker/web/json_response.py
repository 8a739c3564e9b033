"""An answer with a JSON body."""

from __future__ import annotations

import json
from collections.abc import Mapping

import orjson
from aiohttp import web


def as_json(shown: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """The data as an answer of application/json."""
    try:
        body = orjson.dumps(shown)
    except TypeError:  # it writes no whole number beyond 64 bits
        body = json.dumps(shown, ensure_ascii=False).encode()
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)
