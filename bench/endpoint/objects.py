"""As much of S3 as a worker needs to be content: buckets, and objects that are put and got."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from bench.endpoint.connection import HttpAnswer, HttpRequest
from bench.endpoint.errors import Refusal
from bench.endpoint.ledger import Ledger

XML = b"Content-Type: application/xml\r\n"
ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{}</Code><Message>{}</Message></Error>'


class Objects:
    """Every bucket by its name, addressed by path."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._buckets: dict[str, dict[str, tuple[bytes, bytes]]] = {}

    def serve(self, request: HttpRequest) -> HttpAnswer:
        """The answer to a request of S3's REST API."""
        try:
            return self._route(request)
        except Refusal as refusal:
            return HttpAnswer(refusal.status, XML, ERROR.format(refusal.code, refusal.message).encode())

    def _route(self, request: HttpRequest) -> HttpAnswer:
        parts = urlsplit(request.target)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        if not bucket or (parts.query and not parts.query.startswith("x-id=")):
            raise Refusal("NotImplemented", "That is not known here.", status=501)
        if not key:
            return self._bucket(request.method, bucket)
        self._ledger.call({"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject"}.get(request.method, "Other"))
        if request.method == "PUT":
            return self._put(self._objects(bucket), key, request)
        if request.method in ("GET", "HEAD"):
            return self._get(self._objects(bucket), key)
        raise Refusal("NotImplemented", "That is not known here.", status=501)

    def _bucket(self, method: str, name: str) -> HttpAnswer:
        if method == "PUT":
            self._buckets.setdefault(name, {})
        elif method == "HEAD":
            self._objects(name)
        else:
            raise Refusal("NotImplemented", "That is not known here.", status=501)
        return HttpAnswer(200, b"", b"")

    def _objects(self, bucket: str) -> dict[str, tuple[bytes, bytes]]:
        if bucket not in self._buckets:
            raise Refusal("NoSuchBucket", "The specified bucket does not exist", status=404)
        return self._buckets[bucket]

    def _put(self, objects: dict[str, tuple[bytes, bytes]], key: str, request: HttpRequest) -> HttpAnswer:
        if request.header(b"if-match") and key not in objects:
            raise Refusal("NoSuchKey", "The specified key does not exist.", status=404)
        if request.header(b"if-none-match") and key in objects:
            raise Refusal("PreconditionFailed", "At least one of the pre-conditions did not hold", status=412)
        kind = request.header(b"content-type") or b"binary/octet-stream"
        objects[key] = (_plain(request), kind)
        return HttpAnswer(200, b'ETag: "%x"\r\n' % len(request.body), b"")

    def _get(self, objects: dict[str, tuple[bytes, bytes]], key: str) -> HttpAnswer:
        if key not in objects:
            raise Refusal("NoSuchKey", "The specified key does not exist.", status=404)
        data, kind = objects[key]
        return HttpAnswer(200, b'ETag: "%x"\r\nContent-Type: %s\r\n' % (len(data), kind), data)


def _plain(request: HttpRequest) -> bytes:
    """The object's bytes, out of the chunks of aws-chunked (SigV4, streaming upload with trailer)."""
    if b"aws-chunked" not in request.header(b"content-encoding"):
        return request.body
    plain, rest = b"", request.body
    while rest:
        line, _, rest = rest.partition(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        if not size:
            break
        plain, rest = plain + rest[:size], rest[size + 2 :]
    return plain
