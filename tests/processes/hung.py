"""Where nothing wants to end: a site with `hung_handlers.py`, and a client that thinks in the midst of its request."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.processes.daemon import Daemon
from tests.processes.plugin import install_module
from tests.processes.site import Site

REST = 2.0
"""Seconds that a stop may take beyond its drain."""


def hung(site: Site, folder: Path, drain: float) -> tuple[Site, Path]:
    """A site with the hung plugin and so long a drain, and a file that is there once its handler has begun."""
    install_module(folder, Path(__file__).with_name("hung_handlers.py"), {"hung.deaf": "deaf"})
    begun = folder / "begun"  # the record says RUNNING a little before
    extra = {"HUNG_SIGN": str(begun), "CQWORKER_WORKER__DRAIN_TIMEOUT": str(drain)}
    return site.changed(queues=["hung"], plugins=(*site.plugins, folder), extra=extra), begun


@contextmanager
def half_an_upload(daemon: Daemon) -> Iterator[None]:
    """A client that has sent the head and half of the body, and then thinks."""
    address = urlsplit(daemon.url)
    with socket.create_connection((address.hostname, address.port)) as client:
        head = f"POST /jobs HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
        client.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        yield
