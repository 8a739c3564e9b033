"""What systemd would hear: a notification socket that is read at once."""

from __future__ import annotations

import socket
import tempfile
import threading
from pathlib import Path

from tests.patience import Patience

PATIENCE = 20.0


class Supervisor:
    """A notification socket, and every assignment that arrived there (sd_notify(3))."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cqworker-notify-")  # a socket's path has 107 bytes at most
        self.path = str(Path(self._folder.name) / "socket")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._news = threading.Condition()
        self._told: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def told(self) -> list[str]:
        """All assignments so far, in order."""
        with self._news:
            return list(self._told)

    def hears(self, beginning: str, patience: float = PATIENCE) -> str:
        """The first assignment that begins so, waited for; raises TimeoutError after `patience`, scaled."""
        waiting = Patience(patience)
        with self._news:
            while True:
                for line in self._told:
                    if line.startswith(beginning):
                        return line
                self._news.wait(0.2)
                if waiting.is_over:
                    raise TimeoutError(f"{beginning} was not told within {patience:g} s, only {self._told}")

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self.path)
        self._reader.join()
        self._socket.close()
        self._folder.cleanup()

    def _read(self) -> None:
        while datagram := self._socket.recv(4096):
            with self._news:
                self._told += datagram.decode().splitlines()
                self._news.notify_all()
