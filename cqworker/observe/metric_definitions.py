"""Every metric's name, unit, labels and buckets, on a registry of their own."""

from __future__ import annotations

from typing import TypeVar

from prometheus_client import CollectorRegistry

from cqworker.observe.instruments import CounterFamily, GaugeFamily, HistogramFamily

CALL_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Upper bounds in seconds for what answers at once: AWS calls, which give up after 30 s, and the main loop's lag."""
JOB_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400)
"""Upper bounds in seconds for what may take up to a day: a job's wait and its run."""

F = TypeVar("F", CounterFamily, GaugeFamily, HistogramFamily)


class MetricDefinitions:
    """All metrics of the worker, named cqworker_… with their unit (prometheus.io/docs/practices/naming)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._define_job_metrics()
        self._define_copy_metrics()
        self._define_service_metrics()
        self._define_schedule_metrics()
        self._define_fleet_metrics()
        self._define_worker_metrics()

    def _counter(self, name: str, meaning: str, *labels: str) -> CounterFamily:
        return self._register(CounterFamily(f"cqworker_{name}", meaning, labels))

    def _gauge(self, name: str, meaning: str, *labels: str) -> GaugeFamily:
        return self._register(GaugeFamily(f"cqworker_{name}", meaning, labels))

    def _histogram(self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> HistogramFamily:
        return self._register(HistogramFamily(f"cqworker_{name}", meaning, labels, buckets))

    def _register(self, family: F) -> F:
        self._registry.register(family)
        return family

    def _define_job_metrics(self) -> None:
        self.submitted: CounterFamily = self._counter(
            "jobs_submitted_total", "Jobs accepted, for now or for later", "type"
        )
        self.replayed: CounterFamily = self._counter(
            "submissions_replayed_total", "Requests that repeated an idempotency key", "type"
        )
        self.limited: CounterFamily = self._counter(
            "submissions_limited_total", "Submissions beyond a rate, refused", "limit"
        )
        self.postponed: CounterFamily = self._counter(
            "records_postponed_total", "Jobs accepted before their record was put", "type"
        )
        self.started: CounterFamily = self._counter("jobs_started_total", "Attempts whose handler was started", "type")
        self.finished: CounterFamily = self._counter(
            "jobs_finished_total", "Jobs that reached a final status", "type", "status", "kind"
        )
        self.retried: CounterFamily = self._counter(
            "attempts_retried_total", "Attempts that ended in RETRYING", "type", "kind"
        )
        self.handed_back: CounterFamily = self._counter(
            "jobs_handed_back_total", "Attempts refunded and given back", "reason"
        )
        self.interventions: CounterFamily = self._counter(
            "interventions_total", "Cancels and retries that somebody asked for", "act"
        )
        self.duration: HistogramFamily = self._histogram(
            "job_duration_seconds", "Time in the handler, per attempt", JOB_BUCKETS, "type"
        )
        self.wait: HistogramFamily = self._histogram(
            "queue_wait_seconds", "From when a job could run to its start", JOB_BUCKETS, "type"
        )
        self.left: CounterFamily = self._counter(
            "jobs_left_running_total", "Jobs that were RUNNING when their worker left", "type"
        )
        self.taken_over: CounterFamily = self._counter(
            "jobs_taken_over_total", "Attempts after one that came to no end: its worker died or was cut off", "type"
        )
        self.in_flight: GaugeFamily = self._gauge("jobs_in_flight", "Attempts running now", "type")

    def _define_copy_metrics(self) -> None:
        self.received: CounterFamily = self._counter("messages_received_total", "Messages received", "queue")
        self.receives: CounterFamily = self._counter(
            "receives_total", "Answered receives: full, partial or empty", "queue", "result"
        )
        self.copies: CounterFamily = self._counter(
            "copies_total", "Second copies of messages: hidden, dropped or refreshed", "act"
        )
        self.foreign: CounterFamily = self._counter(
            "foreign_messages_total",
            "Receives of messages that are no envelope; in dead-letter queues each message once",
            "queue",
        )
        self.refused: CounterFamily = self._counter(
            "receipts_refused_total", "Deletes and visibility changes not done", "queue", "action", "gone"
        )
        self.depth: GaugeFamily = self._gauge(
            "queue_messages",
            "Messages in a queue, as the service counts them; every daemon tells it: take the maximum",
            "queue",
            "state",
        )
        self.level_starts: CounterFamily = self._counter(
            "level_starts_total", "Messages of a level of a queue that were given a slot here", "queue", "priority"
        )
        self.level_oldest: GaugeFamily = self._gauge(
            "level_oldest_seconds",
            "Age of the oldest message that the last receive of a level brought; 0 where it brought none",
            "queue",
            "priority",
        )
        self.renewals: CounterFamily = self._counter("lease_renewals_total", "Leases renewed", "queue")
        self.silences: CounterFamily = self._counter(
            "leases_unanswered_total",
            "Leases whose renewals nobody answered in time",
            "type",
        )
        self.losses: CounterFamily = self._counter("leases_lost_total", "Leases lost while their attempt ran", "type")

    def _define_service_metrics(self) -> None:
        self.calls: CounterFamily = self._counter(
            "aws_calls_total", "AWS calls by result", "service", "operation", "result"
        )
        self.call_time: HistogramFamily = self._histogram(
            "aws_call_seconds", "Time of an AWS call", CALL_BUCKETS, "service", "operation"
        )
        self.write_units: CounterFamily = self._counter(
            "dynamodb_write_units_total", "Write units consumed", "operation"
        )
        self.read_units: CounterFamily = self._counter("dynamodb_read_units_total", "Read units consumed", "operation")
        self.failures: CounterFamily = self._counter(
            "service_failures_total", "Times a service did not do its part", "service"
        )
        self.unusable: CounterFamily = self._counter(
            "items_unusable_total", "Times one record could not be used", "service"
        )
        self.up: GaugeFamily = self._gauge(
            "service_up", "1 while a service does its part, 0 while it does not", "service"
        )

    def _define_schedule_metrics(self) -> None:
        self.duplicates: CounterFamily = self._counter(
            "duplicates_total", "Submissions that met a job with their unique key", "type", "outcome"
        )
        self.scheduled: CounterFamily = self._counter(
            "jobs_scheduled_total", "Jobs that were given a later time, at first or anew", "type"
        )
        self.handed_over: CounterFamily = self._counter(
            "jobs_handed_over_total", "Jobs whose message was sent for their time", "type"
        )
        self.unsendable: CounterFamily = self._counter(
            "unsendable_total", "Times the message of a job that was due could not be sent", "type"
        )
        self.overdue: GaugeFamily = self._gauge(
            "due_overdue_seconds", "How late the oldest job was that the last sweep of a shard found", "shard"
        )

    def _define_fleet_metrics(self) -> None:
        self.queue_orders: CounterFamily = self._counter(
            "queue_orders_total", "Pauses, drains and resumes of queues that somebody asked for here", "state"
        )
        self.limit_orders: CounterFamily = self._counter(
            "limit_orders_total", "Limits that somebody paused, set or lifted here", "act"
        )
        self.worker_orders: CounterFamily = self._counter(
            "worker_orders_total", "Commands to one worker that somebody asked for here", "command"
        )
        self.operations: CounterFamily = self._counter(
            "operations_total", "Operations on many jobs that somebody asked for here", "act"
        )
        self.operations_stopped: CounterFamily = self._counter(
            "operations_stopped_total",
            "Operations that stopped themselves, for most of what they did failed again",
            "act",
        )
        self.fleet_workers: GaugeFamily = self._gauge(
            "fleet_workers", "Daemons of the fleet: live, or silent; told by the one daemon that measures", "state"
        )
        self.fleet_slots: GaugeFamily = self._gauge("fleet_slots", "Slots of the live workers")
        self.fleet_utilization: GaugeFamily = self._gauge(
            "fleet_utilization_ratio", "Share of the live workers' slots that is taken"
        )
        self.fleet_backlog: GaugeFamily = self._gauge(
            "fleet_backlog_per_slot", "Messages that wait for each slot of the live workers"
        )
        self.fleet_desired: GaugeFamily = self._gauge(
            "fleet_desired_workers", "Workers that the work asks for, of the size of those that there are"
        )
        self.fleet_oldest: GaugeFamily = self._gauge(
            "fleet_oldest_age_seconds", "The longest wait of a job of late, started or not"
        )

    def _define_worker_metrics(self) -> None:
        self.slots: GaugeFamily = self._gauge("slots", "Jobs this worker runs at most at once")
        self.slots_taken: GaugeFamily = self._gauge(
            "slots_taken", "Slots that hold a job or a handler that would not stop"
        )
        self.loop_lag: GaugeFamily = self._gauge(
            "handlers_loop_lag_seconds", "How late the handlers' loop answered, or how long not"
        )
        self.loop_silences: CounterFamily = self._counter(
            "handlers_loop_silences_total", "Reports of a silent handlers' loop, by who holds it", "type"
        )
        self.main_lag: HistogramFamily = self._histogram(
            "main_loop_lag_seconds", "How late the main loop came to what was due, once a second", CALL_BUCKETS
        )
        self.abandoned: CounterFamily = self._counter(
            "handlers_abandoned_total", "Handlers that would not stop", "type"
        )
        self.stragglers: GaugeFamily = self._gauge("abandoned_handlers", "Abandoned handlers that still run", "type")
        self.broken: GaugeFamily = self._gauge("plugin_broken", "1 for a job type whose plugin cannot be used", "type")
        self.background: CounterFamily = self._counter(
            "background_failures_total", "Turns of a background loop that raised", "loop"
        )
        self.requests: CounterFamily = self._counter(
            "http_request_failures_total", "HTTP requests that met an unforeseen error"
        )
        self.phase: GaugeFamily = self._gauge("daemon_phase", "1 for the phase the daemon is in", "phase")
        self.build: GaugeFamily = self._gauge(
            "build_info", "Always 1; the labels say which build runs", "version", "python"
        )
