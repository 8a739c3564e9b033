"""A standard queue as SQS promises one, and not a bit better: copies, misses, no order, handles that lie."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cqworker.errors import CqworkerError, Unavailable
from cqworker.model.envelope import read_envelope
from cqworker.model.envelope_fields import NewerEnvelope, NotAnEnvelope
from cqworker.model.retention import Retention
from cqworker.ports import Delivery, Depth, EntryFault, Letter
from cqworker.testing.virtual_time import EPOCH_MS
from tests.simulation.debts import Debts
from tests.simulation.kernel import Guest
from tests.simulation.profile import Profile
from tests.simulation.trace import Trace

OLD_MS = 8 * 86_400_000
"""Older than the week after which a message is replaced by a fresh copy."""
KEPT_MS = 14 * 86_400_000
LOOK_AGAIN = 2.0


@dataclass(slots=True)
class Message:
    """One message; `receipts` are all handles it was ever handed out under, the last one counts.

    `holder` is the process it was last handed to, until that one says what shall become of it.
    """

    message_id: str
    letter: Letter
    sent_at: int
    visible_at: float
    receive_count: int = 0
    receipts: list[str] = field(default_factory=list)
    first_received: float = 0.0
    holder: str | None = None


@dataclass(frozen=True, slots=True)
class Handed:
    """What a receive hands out."""

    message_id: str
    receipt: str
    body: str
    receive_count: int
    sent_at: int
    traceparent: str | None


OLD_MS = 7 * 86_400_000 + 60_000
"""The age at which a message is replaced, and a minute."""
LAST_MS = 13 * 86_400_000 + 60_000
"""That at which it is replaced although the copy could outlive the record of its job, and a minute."""


class QueueService:
    """One queue; `sent` is told of every letter that got in, `buried` of every body that went to the dead letters,
    `outlived` of every one that was kept for as long as SQS keeps any."""

    def __init__(
        self,
        name: str,
        world: Guest,
        profile: Profile,
        trace: Trace,
        *,
        dead_letters: QueueService | None = None,
        max_receive_count: int = 1000,
        sent: Callable[[Letter], None] = lambda _: None,
        buried: Callable[[str], None] = lambda _: None,
        outlived: Callable[[str], None] = lambda _: None,
        debts: Debts | None = None,
    ) -> None:
        self.name = name
        self.messages: dict[str, Message] = {}
        self.receives = 0
        self._world = world
        self._trace = trace
        self._chance = profile.stream(f"queue {name}")
        self._rates = dict(profile.rates)
        self.longest_hold = profile.longest_hold
        self._retention = Retention(profile.retention_days)
        self._dead_letters = dead_letters
        self._max_receive_count = max_receive_count
        self._sent = sent
        self._buried = buried
        self._outlived = outlived
        self._debts = debts
        self._ids = itertools.count(1)
        self._waiting: dict[asyncio.Event, None] = {}

    def clear(self) -> None:
        """No faults from here on."""
        self._rates = {}

    def is_old(self, delivery: Delivery, now: int) -> bool:
        """Whether the message has to be replaced and not put off by a process whose clock says `now` (epoch ms).

        Where a copy could outlive the record it may wait for somebody who can read that, a day less than SQS keeps it.
        """
        if (age := now - delivery.sent_at) <= OLD_MS or not is_ours(delivery.body):
            return False
        envelope = read_envelope(delivery.body, sent_at=delivery.sent_at)
        first = max(envelope.created_at, envelope.at or 0)
        return age > LAST_MS or self._retention.outlasts_message(first, now)

    def send(self, letter: Letter) -> None:
        now = self._world.time()
        sent_at = EPOCH_MS + round(now * 1000) - (OLD_MS if self._strikes("old message") else 0)
        self._keep(Message(f"{self.name}{next(self._ids)}", letter, sent_at, now + letter.delay))
        self._sent(letter)

    def send_many(self, letters: Sequence[Letter]) -> list[CqworkerError | None]:
        """Some of them may fail while the others get in."""
        answers: list[CqworkerError | None] = []
        for letter in letters:
            fault = self._strikes("entry fault")
            answers.append(Unavailable("sqs", "InternalError", "", ambiguous=True) if fault else None)
            if not fault or self._chance.random() < 0.5:
                self.send(letter)
        return answers

    async def receive(self, limit: int, wait: int, visibility: int, process: str) -> list[Handed]:
        """Asks some servers at first and again later; waits up to `wait` seconds for the first message."""
        self.receives += 1
        deadline = self._world.time() + wait
        while True:
            handed = [self._hand_out(message, visibility, process) for message in self._found(limit)]
            left = deadline - self._world.time()
            if handed or left <= 0:
                return handed
            await self._something(left)

    def delete(self, receipts: Sequence[str]) -> list[EntryFault]:
        faults = []
        for receipt in receipts:
            message = self._find(receipt)
            if self._strikes("entry fault"):
                faults.append(EntryFault(receipt, "InternalError", gone=False))
                continue
            if message is None:
                continue
            message.holder = None
            if receipt != message.receipts[-1] and self._chance.random() < 0.5:
                continue  # "will succeed, but the message might not be deleted" (SQS API, DeleteMessage)
            self._remove(message)
            if self._strikes("back after delete"):
                message.visible_at = self._world.time() + self._chance.uniform(0, 60)
                self._keep(message)
        return faults

    def change_visibility(self, changes: Sequence[tuple[str, int]]) -> list[EntryFault]:
        """An expired or older handle is answered like a good one, and nothing is done."""
        faults = []
        now = self._world.time()
        for receipt, seconds in changes:
            message = self._find(receipt)
            if self._strikes("entry fault"):
                faults.append(EntryFault(receipt, "InternalError", gone=False))
            elif message is None:
                faults.append(EntryFault(receipt, "InvalidParameterValue: the message does not exist", gone=True))
            elif now + seconds > message.first_received + self.longest_hold:
                faults.append(EntryFault(receipt, "InvalidParameterValue: total visibility timeout", gone=True))
            elif receipt == message.receipts[-1] and message.visible_at > now:
                message.visible_at = now + seconds
                message.holder = None
        self._wake()
        return faults

    def held_by(self, process: str) -> list[Message]:
        """What is hidden because this process received it, and for no other reason."""
        now = self._world.time()
        return [one for one in self.messages.values() if one.holder == process and one.visible_at > now]

    def depth(self) -> Depth:
        now = self._world.time()
        hidden = sum(message.visible_at > now for message in self.messages.values())
        return Depth(len(self.messages) - hidden, hidden, 0)

    def _remove(self, message: Message) -> None:
        del self.messages[message.message_id]
        if self._debts is not None:
            self._debts.gone(self.name, message.message_id)

    def _keep(self, message: Message) -> None:
        self.messages[message.message_id] = message
        if self._debts is not None:
            self._debts.kept(self.name, message.message_id, message.letter.body)
        self._wake()

    def _found(self, limit: int) -> list[Message]:
        """Visible messages in any order, without those of the servers that were not asked."""
        self._forget()
        now = self._world.time()
        visible = [message for message in self.messages.values() if message.visible_at <= now]
        for message in visible:
            if self._strikes("viewed by others"):  # a console, or a consumer that died, counts as well
                message.receive_count += self._chance.randint(1, 20)
        for message in [message for message in visible if self._is_worn_out(message)]:
            visible.remove(message)
            self._bury(message)
        self._chance.shuffle(visible)
        found = [message for message in visible if not self._strikes("miss", counted=False)]
        return found[: self._chance.randint(1, limit)]

    def _forget(self) -> None:
        """SQS keeps a message for 14 days at most (SetQueueAttributes, MessageRetentionPeriod)."""
        now = EPOCH_MS + self._world.time() * 1000
        for message in [one for one in self.messages.values() if now - one.sent_at > KEPT_MS]:
            self._trace.note(self.name, "has kept for 14 days", message.message_id)
            self._outlived(message.letter.body)
            self._remove(message)

    def _hand_out(self, message: Message, visibility: int, process: str) -> Handed:
        now = self._world.time()
        message.receive_count += 1
        receipt = f"{message.message_id}#{message.receive_count}"
        message.receipts.append(receipt)
        message.first_received = now
        message.holder = process
        message.visible_at = now + visibility
        if self._strikes("delivered twice"):
            message.visible_at = now + self._chance.uniform(0, 3)
            self._world.call_at(message.visible_at, self._wake)
        letter = message.letter
        return Handed(
            message.message_id, receipt, letter.body, message.receive_count, message.sent_at, letter.traceparent
        )

    def _is_worn_out(self, message: Message) -> bool:
        return self._dead_letters is not None and message.receive_count >= self._max_receive_count

    def _bury(self, message: Message) -> None:
        if self._dead_letters is not None:
            self._trace.note(self.name, "redrives", message.message_id)
            message.visible_at = self._world.time()
            self._dead_letters._keep(message)
            self._remove(message)
            self._buried(message.letter.body)

    def _find(self, receipt: str) -> Message | None:
        return self.messages.get(receipt.partition("#")[0])

    def _strikes(self, kind: str, *, counted: bool = True) -> bool:
        rate = self._rates.get(kind)
        if rate is None or self._chance.random() >= rate:
            return False
        if counted:
            self._trace.fault(kind, self.name)
        else:
            self._trace.faults[kind] += 1
        return True

    def _wake(self) -> None:
        for arrived in list(self._waiting):
            arrived.set()

    async def _something(self, left: float) -> None:
        """Waits for an arrival, for the next message to be visible again, or for another look."""
        now = self._world.time()
        pause = min([LOOK_AGAIN, left, *(m.visible_at - now for m in self.messages.values() if m.visible_at > now)])
        arrived = asyncio.Event()
        self._waiting[arrived] = None
        try:
            async with asyncio.timeout(pause):
                await arrived.wait()
        except TimeoutError:
            return
        finally:
            del self._waiting[arrived]


def is_ours(body: str) -> bool:
    """Whether this version understands the message."""
    try:
        read_envelope(body)
    except (NotAnEnvelope, NewerEnvelope):
        return False
    return True
