"""The endpoint as a process: `python -m bench.endpoint [--port N] [--latency MS]` serves until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
import sys

import uvloop

from bench.endpoint.connection import ServerConnection
from bench.endpoint.service import Service

HOST = "127.0.0.1"


async def serve(port: int, latency: float) -> None:
    """Serves on the loopback interface; the first line on stdout is the URL."""
    service, stop = Service(), asyncio.Event()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: ServerConnection(service.serve, latency), HOST, port, backlog=1024)
    url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    service.at(url)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    gc.freeze()
    await stop.wait()
    server.close()


def main() -> None:
    """Reads the arguments and serves."""
    parser = argparse.ArgumentParser(prog="python -m bench.endpoint", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0: any free one")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds that every answer waits")
    arguments = parser.parse_args()
    gc.set_threshold(50_000, 50, 50)
    uvloop.run(serve(arguments.port, arguments.latency / 1000))


if __name__ == "__main__":
    main()
