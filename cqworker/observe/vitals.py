"""What a daemon tells of itself in its heartbeat, out of the numbers that are counted anyway."""

from __future__ import annotations

from dataclasses import dataclass

from cqworker.observe.attempt_counters import AttemptCounters
from cqworker.observe.metric_definitions import MetricDefinitions


@dataclass(frozen=True, slots=True)
class Vitals:
    """Units of DynamoDB and seconds in handlers since the start, the handlers' loop's lag (s), the longest wait (s).

    The wait is that of the jobs that were started since it was last asked for.
    """

    write_units: float
    read_units: float
    ran: float
    lag: float
    waited: float


def take_vitals(metrics: MetricDefinitions, attempts: AttemptCounters) -> Vitals:
    """The numbers as they are now; the longest wait begins anew."""
    waited, attempts.longest_wait = attempts.longest_wait, 0.0
    return Vitals(
        write_units=sum(number.value for number in metrics.write_units.values()),
        read_units=sum(number.value for number in metrics.read_units.values()),
        ran=sum(spread.total for spread in metrics.duration.values()),
        lag=metrics.loop_lag[()].value,
        waited=waited,
    )
