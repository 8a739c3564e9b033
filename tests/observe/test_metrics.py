"""What each event does to the numbers, and that strangers cannot add series."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from cqworker import events as e
from cqworker.enums import Phase
from cqworker.events.fleet_events import FleetMeasured, FleetUnmeasured
from cqworker.events.loop_events import HandlerLoopBlocked, HandlerLoopProbed
from cqworker.model.status import FailureKind, Status
from cqworker.observe.metrics_observer import UNCOUNTED, MetricsObserver
from tests.observe.samples import EVENT_CLASSES, JOB, sample_of, subject

TYPES = ("text.transform", "image.grayscale")


@pytest.fixture
def metrics() -> MetricsObserver:
    return MetricsObserver(TYPES)


def series_of(metrics: MetricsObserver) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    body, _ = metrics.render()
    families = text_string_to_metric_families(body.decode())
    return {
        (sample.name.removeprefix("cqworker_"), frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value_of(metrics: MetricsObserver, name: str, **labels: str) -> float | None:
    return series_of(metrics).get((name, frozenset(labels.items())))


def test_every_class_of_event_is_counted_or_declared_silent(metrics: MetricsObserver) -> None:
    assert metrics.counted_events | UNCOUNTED == set(EVENT_CLASSES)
    assert not metrics.counted_events & UNCOUNTED


@pytest.mark.parametrize("kind", [kind for kind in EVENT_CLASSES if kind not in UNCOUNTED])
def test_every_event_that_is_counted_changes_a_number(metrics: MetricsObserver, kind: type[Any]) -> None:
    def ours() -> dict[Any, float]:
        return {key: value for key, value in series_of(metrics).items() if not key[0].startswith(("process", "python"))}

    if kind is FleetUnmeasured:
        metrics(sample_of(FleetMeasured))
    before = ours()
    metrics(sample_of(kind))
    assert ours() != before


def test_ten_thousand_invented_types_add_no_series(metrics: MetricsObserver) -> None:
    samples = [sample_of(kind) for kind in EVENT_CLASSES if issubclass(kind, e.JobEvent)]

    def everything(name: str) -> None:
        job = subject(type=name, job_id=name, queue=name, tenant=name)
        for sample in samples:
            metrics(replace(sample, job=job))

    everything("first-invention")
    before = len(series_of(metrics))
    for number in range(10_000):
        everything(f"invention-{number}")
    assert len(series_of(metrics)) == before
    assert value_of(metrics, "jobs_started_total", type="(unknown)") == 10_001


def test_words_of_others_cannot_add_series_without_end(metrics: MetricsObserver) -> None:
    for number in range(2_000):
        metrics(sample_of(e.ServiceCalled, result=f"Error{number}"))
        metrics(sample_of(e.JobHandedBack, reason=f"reason {number}"))
    assert len(series_of(metrics)) < 1_000
    assert value_of(metrics, "jobs_handed_back_total", reason="(other)") == 1_800


def test_a_job_in_flight_is_counted_until_it_ends(metrics: MetricsObserver) -> None:
    endings = [
        sample_of(e.JobSettled, status=Status.SUCCEEDED),
        sample_of(e.JobSettled, status=Status.RETRYING),
        sample_of(e.JobHandedBack, job=subject(attempt=JOB.attempt - 1)),
        sample_of(e.LeaseLost),
        sample_of(e.HandlerAbandoned),
    ]
    for ending in endings:
        metrics(e.JobStarted(job=JOB, waited=0.2))
        metrics(e.JobStarted(job=JOB, waited=0.2))
        assert value_of(metrics, "jobs_in_flight", type=JOB.type) == 1
        metrics(ending)
        metrics(ending)
        assert value_of(metrics, "jobs_in_flight", type=JOB.type) == 0


def test_a_message_given_back_before_its_start_leaves_nothing_below_zero(metrics: MetricsObserver) -> None:
    metrics(sample_of(e.JobHandedBack))
    metrics(e.JobStarted(job=JOB, waited=0.0))
    assert value_of(metrics, "jobs_in_flight", type=JOB.type) == 1


def test_endings_are_told_apart_by_status_and_kind(metrics: MetricsObserver) -> None:
    metrics(e.JobSettled(job=JOB, status=Status.SUCCEEDED, seconds=0.3))
    metrics(e.JobSettled(job=JOB, status=Status.FAILED, seconds=0.3, kind=FailureKind.REJECTED))
    metrics(e.JobSettled(job=JOB, status=Status.RETRYING, seconds=0.3, kind=FailureKind.TIMEOUT))
    metrics(e.JobForestalled(job=JOB, status=Status.CANCELLED))
    metrics(e.JobLost(job=JOB))
    for status, kind in (("SUCCEEDED", ""), ("FAILED", "rejected"), ("CANCELLED", ""), ("FAILED", "lost")):
        assert value_of(metrics, "jobs_finished_total", type=JOB.type, status=status, kind=kind) == 1
    assert value_of(metrics, "attempts_retried_total", type=JOB.type, kind="timeout") == 1
    assert value_of(metrics, "job_duration_seconds_count", type=JOB.type) == 3
    assert value_of(metrics, "job_duration_seconds_bucket", type=JOB.type, le="0.5") == 3


def test_receives_are_told_apart_by_how_full_they_came(metrics: MetricsObserver) -> None:
    for count in (0, 3, 10):
        metrics(e.ReceiveAnswered(queue="q", asked=10, count=count))
    for result in ("empty", "partial", "full"):
        assert value_of(metrics, "receives_total", queue="q", result=result) == 1
    assert value_of(metrics, "messages_received_total", queue="q") == 13


def test_calls_are_timed_and_their_units_added_up(metrics: MetricsObserver) -> None:
    for _ in range(2):
        metrics(
            e.ServiceCalled(service="dynamodb", operation="UpdateItem", result="ok", seconds=0.004, write_units=1.5)
        )
    assert value_of(metrics, "aws_calls_total", service="dynamodb", operation="UpdateItem", result="ok") == 2
    assert value_of(metrics, "aws_call_seconds_bucket", service="dynamodb", operation="UpdateItem", le="0.005") == 2
    assert value_of(metrics, "dynamodb_write_units_total", operation="UpdateItem") == 3.0
    assert value_of(metrics, "dynamodb_read_units_total", operation="UpdateItem") is None


def test_a_service_is_up_until_it_fails_and_again_once_it_recovered(metrics: MetricsObserver) -> None:
    assert value_of(metrics, "service_up", service="sqs") is None
    metrics(sample_of(e.ServiceCalled, service="sqs", result="ok"))
    assert value_of(metrics, "service_up", service="sqs") == 1
    metrics(sample_of(e.ServiceFailed, service="sqs"))
    metrics(sample_of(e.ServiceCalled, service="sqs", result="ok"))
    assert value_of(metrics, "service_up", service="sqs") == 0
    metrics(sample_of(e.ServiceRecovered, service="sqs"))
    assert value_of(metrics, "service_up", service="sqs") == 1


def test_a_silent_handlers_loop_is_seen_until_it_answers(metrics: MetricsObserver) -> None:
    metrics(HandlerLoopBlocked(seconds=12.5, jobs=(JOB.job_id,), type=JOB.type))
    assert value_of(metrics, "handlers_loop_lag_seconds") == 12.5
    metrics(HandlerLoopProbed(lag=0.001))
    assert value_of(metrics, "handlers_loop_lag_seconds") == 0.001
    assert value_of(metrics, "handlers_loop_silences_total", type=JOB.type) == 1


def test_a_silent_handlers_loop_whose_holder_is_not_known_counts_as_such(metrics: MetricsObserver) -> None:
    metrics(HandlerLoopBlocked(seconds=12.5, jobs=("a.b 1", "c.d 2")))
    assert value_of(metrics, "handlers_loop_silences_total", type="(unknown)") == 1


def test_one_phase_is_on_at_a_time(metrics: MetricsObserver) -> None:
    phases: tuple[Phase, ...] = get_args(Phase)
    for phase in phases:
        metrics(e.DaemonPhase(phase=phase))
    assert [value_of(metrics, "daemon_phase", phase=phase) for phase in phases] == [*[0] * (len(phases) - 1), 1]


def test_slots_depths_abandoned_handlers_and_broken_plugins_are_gauges(metrics: MetricsObserver) -> None:
    metrics(e.SlotsChanged(taken=3, total=32))
    metrics(e.DepthMeasured(queue="q", visible=5, in_flight=2, delayed=1))
    metrics(e.HandlerAbandoned(job=JOB, reason="timeout"))
    assert (value_of(metrics, "slots_taken"), value_of(metrics, "slots")) == (3, 32)
    assert value_of(metrics, "queue_messages", queue="q", state="visible") == 5
    assert value_of(metrics, "abandoned_handlers", type=JOB.type) == 1
    metrics(e.AbandonedHandlerEnded(job=JOB))
    assert value_of(metrics, "abandoned_handlers", type=JOB.type) == 0
    metrics(sample_of(e.PluginBroken, type="acme.broken"))
    assert value_of(metrics, "plugin_broken", type="acme.broken") == 1


def test_the_process_and_counts_of_others_are_shown(metrics: MetricsObserver) -> None:
    names = {name for name, _ in series_of(MetricsObserver(TYPES, {"log_lines_dropped": lambda: 4.0}))}
    assert names >= {"process_cpu_seconds_total", "python_gc_collections_total", "build_info", "python_info"}
    assert value_of(MetricsObserver(TYPES, {"log_lines_dropped": lambda: 4.0}), "log_lines_dropped_total") == 4
    assert not any(name.endswith("_created") for name in names)


def test_two_workers_in_one_process_count_apart(metrics: MetricsObserver) -> None:
    metrics(sample_of(e.JobSubmitted))
    assert value_of(MetricsObserver(TYPES), "jobs_submitted_total", type=JOB.type) is None
    assert metrics.render()[1].startswith("text/plain; version=")
