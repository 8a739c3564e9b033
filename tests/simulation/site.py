"""Where a simulation takes place: time, services, settings, and the witness."""

from __future__ import annotations

from collections.abc import Callable

from cqworker.model.status import Status
from cqworker.ports import Letter
from cqworker.settings import ArtifactSettings, QueueSettings, Settings, StoreSettings, WorkerSettings
from cqworker.settings.validation import max_receive_count_of
from tests.simulation.chronicle import Chronicle
from tests.simulation.debts import Debts, job_of
from tests.simulation.handlers import registries
from tests.simulation.index_service import IndexService
from tests.simulation.kernel import Kernel
from tests.simulation.letters import Letters
from tests.simulation.network import Weather
from tests.simulation.pace import Pace, limits_in
from tests.simulation.payloads import Payloads
from tests.simulation.profile import Profile
from tests.simulation.queue_service import QueueService
from tests.simulation.rate_service import RateService
from tests.simulation.slots import LimitService, SlotAccounts, slot_limits
from tests.simulation.store_service import Applied, ObjectService, StoreService
from tests.simulation.trace import Trace
from tests.simulation.witness import Witness

INLINE_LIMIT = 600
QUEUES = ("jobs", "more")


class Site:
    """One run's world; make it anew for every run."""

    def __init__(self, profile: Profile, *, whole_trace: bool = False) -> None:
        self.profile = profile
        self.kernel = Kernel()
        self.world = self.kernel.guest("world")
        self.trace = Trace(self.kernel, whole=whole_trace)
        self.weather = Weather(profile)
        self.old, self.new = registries(profile)
        queues = tuple(self._configured(name) for name in QUEUES[: profile.queues])
        self.settings = Settings(
            queues=queues,
            store=StoreSettings(retention_days=profile.retention_days),
            worker=WorkerSettings(concurrency=profile.concurrency),
            artifacts=ArtifactSettings(inline_limit=INLINE_LIMIT),
            limits={**limits_in(profile), **slot_limits(profile)},
        )
        self.objects = ObjectService()
        self.witness = Witness(profile, self.trace, self.objects)
        self.letters = Letters(self.witness.accuse, self.objects.get)
        self.payloads = Payloads(self.witness.accuse, self.world.time, self.letters.asked, self._sent_at)
        self.letters.payloads = self.payloads.names
        self.chronicle = Chronicle(self.witness.accuse, self.letters, profile.retention)
        self.store = StoreService(self.world, self._applied, profile.stream("store"))
        self.witness.store = self.store
        self.index = IndexService(self.store, self.world.time, profile, self._harms)
        self.pace = Pace(self.witness.accuse, profile)
        self.rates = RateService(self.pace.reserved)
        self.limits = LimitService(self._unlisted)
        self.slots = SlotAccounts(self.witness.accuse, profile, self.store, self.limits)
        self.debts = Debts(self.witness.accuse, self.world.time, self.store, profile, self.limits.owes)
        self.chronicle.expired = self.store.expired
        self.objects.overwritten = self.witness.overwritten
        self.queues: list[QueueService] = []
        self.cemeteries: list[QueueService] = []
        for queue in queues:
            self._open(queue)
        self.asked: dict[str, dict[str, float]] = {}
        self.outlived: set[str] = set()
        self.watchers: list[Callable[[Applied], None]] = []
        self.is_peaceful = False

    def make_peace(self) -> None:
        """No faults from here on, but for what still wanders through the network."""
        self.trace.note("PEACE")
        self.is_peaceful = True
        self.weather.clear()
        self.index.clear()
        for queue in self.services:
            queue.clear()

    @property
    def services(self) -> list[QueueService]:
        return [*self.queues, *self.cemeteries]

    def ours(self, queue: QueueService) -> list[str]:
        """The jobs whose messages are in the queue."""
        return [job for message in queue.messages.values() if (job := job_of(message.letter.body)[0]) is not None]

    def _configured(self, name: str) -> QueueSettings:
        return QueueSettings(
            name=name,
            dead_letter_queue=f"{name}-dead",
            visibility_timeout=self.profile.visibility,
            wait_time=self.profile.wait_time,
            max_receive_count=self.profile.max_receives,
            priorities=("high", "medium", "low") if self.profile.levels else (),
            mode="strict" if self.profile.levels == "strict" else "weighted",
            reserve=1 if self.profile.concurrency > 1 else 0,
        )

    def _open(self, queue: QueueSettings) -> None:
        dead_name = f"{queue.name}-dead"
        dead = QueueService(
            dead_name,
            self.world,
            self.profile,
            self.trace,
            sent=lambda letter: self.letters.sent(dead_name, letter),
            outlived=self._outlived,
            debts=self.debts,
        )
        self.cemeteries.append(dead)
        for name in sorted(queue.queues, key=lambda name: name != queue.name):
            self._open_level(name, queue, dead)

    def _open_level(self, name: str, queue: QueueSettings, dead: QueueService) -> None:
        self.queues.append(
            QueueService(
                name,
                self.world,
                self.profile,
                self.trace,
                dead_letters=dead,
                max_receive_count=max_receive_count_of(queue, self.new.largest_max_attempts),
                sent=lambda letter: self._sent(name, letter),
                outlived=self._outlived,
                debts=self.debts,
                buried=lambda body: self.witness.replaced(job_of(body)[0], self.kernel.now),
            )
        )

    def _applied(self, write: Applied) -> None:
        self.index.applied(write)
        self.witness.applied(write)
        self.payloads.applied(write)
        self.chronicle.applied(write)
        self.debts.applied(write)
        for watch in self.watchers:
            watch(write)
        if write.before is None and write.after.status is Status.SCHEDULED:
            asked = write.after.metadata.get("asked", "")
            self.asked.setdefault(asked, {}).setdefault(write.after.job_id, self.kernel.now)

    def _unlisted(self, job_id: str, cause: object) -> None:
        self.debts.look_at(job_id, cause)

    def _harms(self, kind: str, whom: str) -> bool:
        if not self.weather.harms(kind):
            return False
        self.trace.fault(kind, whom)
        return True

    def _sent_at(self, asked: str, job_id: str) -> float | None:
        return self.asked.get(asked, {}).get(job_id)

    def _sent(self, queue: str, letter: Letter) -> None:
        self.letters.sent(queue, letter)
        job_id, number, asked = job_of(letter.body)
        if job_id is not None:
            self.witness.sent.add((job_id, number))
            self.asked.setdefault(asked, {}).setdefault(job_id, self.kernel.now)

    def _outlived(self, body: str) -> None:
        job_id, _, _ = job_of(body)
        if job_id is not None:
            self.outlived.add(job_id)
            self.debts.excused.add(job_id)
