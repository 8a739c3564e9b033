"""What one run of one load came to, and what follows from it per job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SQS = (
    "SendMessage",
    "SendMessageBatch",
    "ReceiveMessage",
    "DeleteMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
)
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchExecuteStatement")
ASIDE = ("GetQueueAttributes", "GetQueueUrl")
"""What is asked for every so often, whatever the number of jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """So many jobs, run to their end: `cpu` and `endpoint_cpu` in seconds, `rss` in MB at the end.

    `unfinished` jobs are not among `jobs`: the worker ran them, it is supposed, and did not delete their messages.
    """

    who: str
    load: str
    concurrency: int
    jobs: int
    seconds: float
    cpu: float
    rss: float
    unfinished: int = 0
    endpoint_cpu: float = 0.0
    calls: Mapping[str, float] = field(default_factory=dict)
    write_units: Mapping[str, float] = field(default_factory=dict)
    read_units: Mapping[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Jobs per second."""
        return self.jobs / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds per job."""
        return self.cpu / self.jobs * 1000

    @property
    def sqs(self) -> float:
        """SQS requests per job."""
        return sum(self.calls.get(name, 0) for name in SQS) / self.jobs

    @property
    def store(self) -> float:
        """DynamoDB requests per job."""
        return sum(count for name, count in self.calls.items() if name in (*WRITES, "GetItem")) / self.jobs

    @property
    def written(self) -> float:
        """Write units per job."""
        return sum(self.write_units.values()) / self.jobs

    @property
    def read(self) -> float:
        """Read units per job."""
        return sum(self.read_units.values()) / self.jobs

    @property
    def share(self) -> float:
        """How much of one core it kept busy; near 1 means that it was the limit itself."""
        return self.cpu / self.seconds

    @property
    def endpoint_share(self) -> float:
        """The same for the endpoint."""
        return self.endpoint_cpu / self.seconds


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from submit to settled on an idle worker."""

    p50: float
    p99: float
    jobs: int


@dataclass(frozen=True, slots=True)
class Idle:
    """An idle worker, per minute: calls by operation and CPU milliseconds."""

    calls: Mapping[str, float]
    cpu_ms: float
    rss: float


@dataclass(frozen=True, slots=True)
class Sleepers:
    """Jobs that sleep at once: KB of resident memory each, and the calls of one renewal round."""

    jobs: int
    kb_each: float
    sqs_per_round: float
    store_per_round: float
    kept: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory over a long drain: MB at its end, and KB that a thousand jobs added in its second half."""

    jobs: int
    rss: float
    slope: float


def percentile(values: list[float], share: float) -> float:
    """The value below which so large a share lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def slope(points: list[tuple[float, float]]) -> float:
    """How much y grows with one of x: the line of least squares through the points."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
