"""The HTTP side of the embedded AWS: Host and Origin checked, connections kept, one request at a time in moto."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.datastructures import Headers
from werkzeug.test import run_wsgi_app

from cqworker.allowed_hosts import LOOPBACK_NAMES, RefusalReason, RequestHeaders, RequestRefused, check_request
from cqworker.embedded.moto_lock import ClientDisconnected, hold_lock

STATUS_LINES = {
    RefusalReason.MALFORMED: "400 Bad Request",
    RefusalReason.MISDIRECTED: "421 Misdirected Request",
    RefusalReason.CROSS_ORIGIN: "403 Forbidden",
}
FRAMING_HEADERS = frozenset({"connection", "content-length", "transfer-encoding"})


class MotoConnection(MotoRequestHandler):
    """Serves one client's requests, one after the other.

    werkzeug closes each connection after one answer because a request's body may be left unread; here it is read
    to its end before moto sees the request, and before the lock is taken: a slow upload holds up no other request.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self) -> None:
        """Answer the request that has just been parsed."""
        try:
            check_request(self._headers_of(), LOOPBACK_NAMES)
        except RequestRefused as error:
            self.close_connection: bool = True  # its body is not read
            self._answer(STATUS_LINES[error.reason], Headers(), _error_body("AccessDenied", str(error)))
            return
        environ = self.make_environ()
        environ["wsgi.input"] = BytesIO(self._read_body(environ))
        environ["wsgi.input_terminated"] = True
        try:
            with hold_lock(self.connection):
                body, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        except ClientDisconnected:
            self.close_connection = True
        except Exception as error:  # noqa: BLE001 - whatever moto stumbles over is an answer 500, as of a real service
            self._answer("500 Internal Server Error", Headers(), _internal_failure(error))
        else:
            self._answer(status, headers, b"".join(body))

    def _headers_of(self) -> RequestHeaders:
        hosts, origins, sites = (self.headers.get_all(name, []) for name in ("Host", "Origin", "Sec-Fetch-Site"))
        return RequestHeaders(self.path, hosts, origins, sites, may_lack_host=self.request_version == "HTTP/1.0")

    def _read_body(self, environ: dict[str, Any]) -> bytes:
        if "wsgi.input_terminated" in environ:
            return bytes(environ["wsgi.input"].read())
        return self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))

    def _answer(self, status: str, headers: Headers, body: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            if name.lower() not in FRAMING_HEADERS:
                self.send_header(name, value)
        if self.command == "HEAD":
            self.send_header("Content-Length", headers.get("Content-Length", "0"))
        elif code not in {"204", "304"}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def handle_expect_100(self) -> bool:
        """Ask for the body at once; the answer must not stay in the write buffer."""
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def log(self, *_: object) -> None:
        """Say nothing: the terminal belongs to the daemon."""


def _internal_failure(error: Exception) -> bytes:
    return _error_body("InternalFailure", f"The embedded AWS stumbled: {type(error).__name__}: {error}")


def _error_body(code: str, message: str) -> bytes:
    return json.dumps({"__type": code, "message": message}).encode()
