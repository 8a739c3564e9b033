"""Entries that are under way at the same time, gathered into requests of several."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

Entry = TypeVar("Entry")
Parts = tuple[list[Entry], list[Entry]]
"""The entries of one request, and the rest."""


class Gatherer(Generic[Entry]):
    """Sends entries in requests of up to `max_size` (two at least), each entry after `linger` seconds at most.

    By default an entry waits so long for others, unless a request is full before. With `lone_at_once` it waits only
    while a request is under way: otherwise it is sent in the next turn of the loop, together with those that were added
    in this one, and when the last request has ended all waiting entries are sent. The end of one of several requests
    sends nothing: with many small requests under way each would lead to another small one.

    `send` makes one request, as a task of its own, and must not raise. `select` divides the waiting entries into those
    of the next request and those of later ones; it may drop entries whose result is not needed any more.
    `send_lone` takes an entry that would be alone in its request, in place of `send`.
    """

    def __init__(
        self,
        send: Callable[[list[Entry]], Coroutine[Any, Any, None]],
        max_size: int,
        linger: float,
        *,
        lone_at_once: bool = False,
        select: Callable[[list[Entry]], Parts[Entry]] | None = None,
        send_lone: Callable[[Entry], None] | None = None,
    ) -> None:
        self._send = send
        self._max_size = max_size
        self._linger = linger
        self._lone_at_once = lone_at_once
        self._select = select
        self._send_lone = send_lone
        self._waiting: list[Entry] = []
        self._timer: asyncio.Handle | None = None
        self._requests: set[asyncio.Task[None]] = set()
        self._on_end = self._send_after if lone_at_once else self._requests.discard
        self.outside_requests = 0
        """Requests that the owner makes past the gatherer: they are under way like its own."""

    def add(self, entry: Entry) -> None:
        """Takes an entry, to be sent in one request with others; returns at once."""
        self._waiting.append(entry)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            if self._lone_at_once and not self._requests and not self.outside_requests:
                self._timer = loop.call_soon(self.send_waiting)
            else:
                self._timer = loop.call_later(self._linger, self.send_waiting)
        elif len(self._waiting) >= self._max_size:
            self.send_waiting()

    def send_waiting(self) -> None:
        """Sends all waiting entries."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        left, self._waiting = self._waiting, []
        while left:
            if self._select is None:
                batch, left = left[: self._max_size], left[self._max_size :]
            else:
                batch, left = self._select(left)
            if self._send_lone is not None and len(batch) == 1:
                self._send_lone(batch[0])
            elif batch:
                request = asyncio.get_running_loop().create_task(self._send(batch))
                self._requests.add(request)
                request.add_done_callback(self._on_end)

    def send_if_idle(self) -> None:
        """Sends all waiting entries if no request is under way; called when `outside_requests` has become less."""
        if self._waiting and not self._requests and not self.outside_requests:
            self.send_waiting()

    async def flush(self) -> None:
        """Sends all waiting entries, and returns when no request is under way any more."""
        self.send_waiting()
        while self._requests:
            await asyncio.wait(self._requests)  # since 3.12 a gather of ended tasks returns before they leave the set

    def _send_after(self, request: asyncio.Task[None]) -> None:
        self._requests.discard(request)
        if self._waiting and not self._requests and not self.outside_requests:
            self.send_waiting()
