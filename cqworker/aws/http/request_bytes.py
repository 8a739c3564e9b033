"""The bytes of an HTTP/1.1 request."""

from __future__ import annotations

from collections.abc import Mapping

from yarl import URL


def request_opening(url: URL, user_agent: str) -> str:
    """What every POST to that URL begins with, up to the length of its body."""
    return (
        f"POST {url.raw_path_qs} HTTP/1.1\r\nUser-Agent: {user_agent}\r\nAccept-Encoding: identity\r\nContent-Length: "
    )


def request_bytes(opening: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """The whole request in one piece; raises ValueError for a header that would be more than one."""
    lines = "\r\n".join([f"{name}: {value}" for name, value in headers.items()])
    breaks = len(headers) - 1
    if lines.count("\n") != breaks or lines.count("\r") != breaks or "\0" in lines:
        raise ValueError("a header of a request must not hold a line break or a NUL")
    return f"{opening}{len(body)}\r\n{lines}\r\n\r\n".encode() + body
