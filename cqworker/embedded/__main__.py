"""The child process that is the embedded AWS: it says its port in one line on stdout and ends when stdin does."""

from __future__ import annotations

import os
import signal
import sys
import threading

from cqworker.embedded.moto_server import MotoDispatcher, open_server


def main() -> None:
    """Serve until the parent ends this process, or itself."""
    application = MotoDispatcher()
    server = open_server(application)
    _announce_port(server.port)
    threading.Thread(target=application.load_services, daemon=True).start()
    server.serve_forever()


def _announce_port(port: int) -> None:
    """Write the port for the parent, then drop the pipes: they are not read any more, and a full one would block."""
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _follow_parent() -> None:
    """End with the parent: however it dies, the kernel closes its end of our stdin."""
    while os.read(0, 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    main()
