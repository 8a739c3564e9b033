"""One queue: its messages, who is hidden until when, and who waits for them."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import secrets
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bench.endpoint.errors import Refusal

NONCE = secrets.token_urlsafe(18)
"""Begins every receipt handle of this process: one from elsewhere is recognised."""
LONGEST_HIDING = 43_200
"""Seconds that a message can stay hidden, counted from its receipt (ChangeMessageVisibility)."""
READY, HIDDEN, DELAYED = "ready", "hidden", "delayed"
GONE = "Message does not exist or is not available for visibility timeout change."
_serials = itertools.count(1)


@dataclass(slots=True, eq=False)
class Message:
    """One message; `visible_at` and `received_at` are monotonic seconds, `sent` and `first_received` epoch ms."""

    serial: int
    id: str
    body: str
    md5: str
    attributes: dict[str, Any]
    attributes_md5: str | None
    system: dict[str, str]
    sent: int
    state: str = READY
    visible_at: float = 0.0
    received_at: float = 0.0
    first_received: int = 0
    receives: int = 0


@dataclass(slots=True, eq=False)
class Poll:
    """A receive that waits: `answer` is called once, with messages or with none."""

    limit: int
    visibility: int
    answer: Callable[[list[Message]], None]
    timer: asyncio.TimerHandle | None = None
    over: bool = False

    def end(self) -> bool:
        """Ends the wait; False where it had ended before."""
        if self.over:
            return False
        self.over = True
        if self.timer is not None:
            self.timer.cancel()
        return True


@dataclass(slots=True, eq=False)
class Queue:
    """A standard queue. `held`: it hands out nothing for now, so that a load can be laid ready."""

    name: str
    attributes: dict[str, str]
    serial: int = field(default_factory=lambda: next(_serials))
    dead_letters: Queue | None = None
    max_receives: int = 0
    held: bool = False
    counts: dict[str, int] = field(default_factory=lambda: {READY: 0, HIDDEN: 0, DELAYED: 0})
    messages: dict[int, Message] = field(default_factory=dict)
    _ready: deque[Message] = field(default_factory=deque)
    _later: list[tuple[float, int, Message]] = field(default_factory=list)
    _polls: deque[Poll] = field(default_factory=deque)
    _alarm: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Receives that wait for a message."""
        return sum(not poll.over for poll in self._polls)

    def add(self, message: Message, delay: int) -> None:
        """A message that was sent; those who wait are served by `serve`."""
        self.messages[message.serial] = message
        if delay:
            self._put_off(message, DELAYED, time.monotonic() + delay)
        else:
            self._make_ready(message)

    def serve(self) -> None:
        """Hands what is ready to the receives that wait, and wakes again when the next message is due."""
        while self._polls:
            poll = self._polls[0]
            if not poll.over:
                messages = self.take(poll.limit, poll.visibility)
                if not messages:
                    self._set_alarm()
                    return
                poll.end()
                poll.answer(messages)
            self._polls.popleft()

    def wait(self, poll: Poll, seconds: int) -> None:
        """Lets a receive wait for the first message."""
        self._polls.append(poll)
        poll.timer = asyncio.get_running_loop().call_later(seconds, self._give_up, poll)
        self._set_alarm()

    def dismiss(self) -> None:
        """Whoever waits is answered at once, with nothing."""
        for poll in list(self._polls):
            self._give_up(poll)
        self._polls.clear()

    def take(self, limit: int, visibility: int) -> list[Message]:
        """At most so many messages, hidden for so many seconds; those received too often are buried instead."""
        now, taken = time.monotonic(), list[Message]()
        self._wake(now)
        while self._ready and len(taken) < limit and not self.held:
            message = self._ready.popleft()
            if message.serial not in self.messages:
                continue
            if self.dead_letters is not None and message.receives >= self.max_receives:
                self._bury(message, self.dead_letters)
                continue
            message.receives += 1
            message.received_at = now
            message.first_received = message.first_received or round(time.time() * 1000)
            self.counts[READY] -= 1
            self._put_off(message, HIDDEN, now + visibility)
            taken.append(message)
        return taken

    def receipt(self, message: Message) -> str:
        """The handle of the message's last receipt."""
        return f"{NONCE}.{self.serial}.{message.serial}.{message.receives}"

    def delete(self, receipt: str) -> None:
        """Deletes; a receipt that a later one has replaced is answered in the same way, and does nothing."""
        message, is_last = self._held_by(receipt)
        if message is not None and is_last:
            del self.messages[message.serial]
            self.counts[message.state] -= 1

    def hide(self, receipt: str, seconds: int) -> None:
        """Hides from now on; where the receipt has run out it is answered in the same way, and does nothing."""
        now = time.monotonic()
        self._wake(now)
        message, is_last = self._held_by(receipt)
        if message is None:
            raise Refusal("InvalidParameterValue", f"Value {receipt} is invalid. Reason: {GONE}")
        if not is_last or message.state != HIDDEN:
            return
        if now - message.received_at + seconds > LONGEST_HIDING:
            limit = f"Total VisibilityTimeout for the message is beyond the limit [{LONGEST_HIDING} seconds]"
            raise Refusal("InvalidParameterValue", f"Value {seconds} is invalid. Reason: {limit}")
        self.counts[HIDDEN] -= 1
        self._put_off(message, HIDDEN, now + seconds)
        if self._polls:
            self.serve()

    def depth(self) -> dict[str, int]:
        """How many messages are ready, hidden and delayed at this moment."""
        self._wake(time.monotonic())
        return dict(self.counts)

    def purge(self) -> None:
        """Every message is gone."""
        self.messages.clear()
        self._ready.clear()
        self._later.clear()
        self.counts.update(dict.fromkeys(self.counts, 0))

    def _held_by(self, receipt: str) -> tuple[Message | None, bool]:
        """The message of a receipt and whether it is its last one; refuses what never was one."""
        nonce, _, rest = receipt.partition(".")
        parts = rest.split(".")
        if nonce != NONCE or len(parts) != 3 or parts[0] != str(self.serial):
            raise Refusal("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
        message = self.messages.get(int(parts[1]))
        return message, message is not None and message.receives == int(parts[2])

    def _make_ready(self, message: Message) -> None:
        message.state = READY
        self.counts[READY] += 1
        self._ready.append(message)

    def _put_off(self, message: Message, state: str, until: float) -> None:
        message.state, message.visible_at = state, until
        self.counts[state] += 1
        heapq.heappush(self._later, (until, message.serial, message))

    def _wake(self, now: float) -> None:
        """Whose time has come is ready; what the heap says of a message that was put off again is stale."""
        while self._later and self._later[0][0] <= now:
            until, serial, message = heapq.heappop(self._later)
            if message.visible_at == until and message.state != READY and serial in self.messages:
                self.counts[message.state] -= 1
                self._make_ready(message)

    def _bury(self, message: Message, where: Queue) -> None:
        del self.messages[message.serial]
        self.counts[READY] -= 1
        where.add(message, 0)
        where.serve()

    def _give_up(self, poll: Poll) -> None:
        if poll.end():
            with suppress(ValueError):
                self._polls.remove(poll)
            poll.answer([])

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._later and self._polls:
            seconds = max(0.0, self._later[0][0] - time.monotonic())
            self._alarm = asyncio.get_running_loop().call_later(seconds, self.serve)
