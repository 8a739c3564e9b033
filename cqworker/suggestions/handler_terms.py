"""Words for handlers: their options, the ways to end an attempt, what is asked of a job."""

from __future__ import annotations

from collections.abc import Mapping

from cqworker.suggestions.call_errors import CallTerms

_ATTEMPTS = "max_attempts= counts every start, the first one too (3 retries are max_attempts=4)"
_BACKOFF = "write backoff=Backoff(first=…, factor=…, cap=…), in seconds; the jitter is always there"
_TIMEOUT = "timeout= is the one limit, in seconds"
_NAME = 'the job type is the name of its entry point in pyproject.toml: "acme.greet" = "acme_handlers:greet"'
_QUEUE = (
    "whoever submits the job names its queue (submit(…, queue=…)), "
    'or the operator does ([handlers.types."acme.greet"] queue)'
)
_JOB = "a handler that wants the job takes it as its second parameter: def greet(payload: Greeting, job: Job)"
_LATE = "a message is deleted only after its job has ended, always; leave it out"
_FINAL = (
    "every exception is tried again until max_attempts; "
    "`raise Reject(…)` for what never succeeds, `raise Retry(…, after=…)` for a pause of your own"
)
_KEPT = "every result is kept with its job for [store] retention_days; leave it out"
_RATE = (
    "concurrency= bounds how many run at once in one worker; over all workers [limits] says how many and how often, "
    'and limits= names the payload field by which it counts, such as limits="customer_id"'
)
_SCHEDULE = "nothing is scheduled here: let cron or EventBridge Scheduler submit the job, with a key= for each time"
_UNIQUE = 'it is unique=, such as unique=Unique(["order_id"]); who submits may say another one'
_PLACE = 'async def runs on an event loop, def in a thread, executor="process" in a process'
_MODEL = "the annotation of the first parameter is the payload's model"
_STATE = "lifespan= takes an async context manager, entered once per worker; its value is job.state"
_HOOK = "there are no hooks: write it into the handler, around what it does"
_PRIORITY = "whoever submits the job gives priority=, a level of its queue"


def _table(*rows: tuple[str, str]) -> Mapping[str, str]:
    return {word: sentence for words, sentence in rows for word in words.split()}


HANDLER = CallTerms(
    "@handler",
    "Write it like @handler(timeout=30, max_attempts=5) above the def, or @handler alone.",
    _table(
        ("retries max_retries retry retry_count max_tries attempts tries retry_on_error retry_kwargs", _ATTEMPTS),
        ("retry_backoff retry_backoff_max retry_jitter default_retry_delay retry_delay retry_interval", _BACKOFF),
        ("min_backoff max_backoff retry_policy retry_in backoff_factor delay countdown", _BACKOFF),
        ("time_limit soft_time_limit job_timeout timeout_ms execution_timeout start_to_close_timeout ttl", _TIMEOUT),
        ("name task_name actor_name job_type type task_type", _NAME),
        ("queue queue_name queues broker routing_key exchange", _QUEUE),
        ("bind context pass_context", _JOB),
        ("acks_late reject_on_worker_lost acks_on_failure_or_timeout ack_type track_started", _LATE),
        ("autoretry_for dont_autoretry_for retry_for retry_when retry_on throws expected", _FINAL),
        ("ignore_result store_results store_errors_even_if_ignored result_ttl keep_result failure_ttl", _KEPT),
        ("rate_limit throttle max_concurrency concurrency_limit concurrency_key max_active max_instances", _RATE),
        ("cron schedule crontab periodic run_every every", _SCHEDULE),
        ("unique_for unique_until once singleton lock idempotency_key", _UNIQUE),
        ("pool use_process is_async run_in_thread sync worker_type", _PLACE),
        ("pydantic model schema serializer typing payload_model input_model params base shared", _MODEL),
        ("startup shutdown on_startup on_shutdown depends ctx", _STATE),
        ("on_failure on_success on_retry middleware middlewares hooks after before link link_error", _HOOK),
        ("priority", _PRIORITY),
        ("expires max_age deadline", "a job has no expiry; look at job.deadline or at a time in the payload"),
        ("labels tags meta metadata", "whoever submits the job gives tags= and metadata="),
        ("memory_limit max_memory", "memory= bounds a run in MiB, with executor='process'"),
        ("description doc", "the first line of the docstring is the description"),
        ("workers processes", "concurrency= is how many run at once in one worker"),
    ),
)
BACKOFF = CallTerms(
    "Backoff",
    "Write it like Backoff(first=1.0, factor=2.0, cap=900.0).",
    _table(
        (
            "base initial start min minimum min_backoff delay interval countdown initial_interval seconds",
            "it is first=",
        ),
        ("multiplier exponent coefficient rate exp exponential_base backoff_coefficient", "it is factor="),
        ("max maximum limit max_backoff maximum_interval max_delay max_interval max_value", "it is cap="),
        ("jitter", "it is always there, in full: between nothing and the whole pause"),
        ("retries max_retries attempts max_attempts", "@handler(max_attempts=…) bounds the starts"),
    ),
)
RETRY = CallTerms(
    "Retry",
    'Write `raise Retry("why", after=30)`: the reason stands in the job\'s history.',
    _table(
        ("countdown delay defer seconds interval timeout in_ retry_in wait", "it is after=, in seconds"),
        ("eta at run_at until", "it is after=, in seconds from now"),
        ("exc error cause exception", 'write `raise Retry("why") from error`'),
        ("max max_retries retries max_attempts", "@handler(max_attempts=…) bounds the starts"),
        ("throw", "`raise Retry(…)` always ends the attempt"),
    ),
)
SNOOZE = CallTerms(
    "Snooze",
    'Write `raise Snooze("why", after=3600)`: seconds from now, or a timedelta; no attempt counts.',
    _table(
        (
            "countdown delay defer seconds interval timeout in_ for_ snooze_for duration wait period",
            "it is after=, in seconds",
        ),
        ("minutes hours days weeks", "after= takes a timedelta: after=timedelta(hours=3)"),
        ("eta at run_at until scheduled_at", "it is after=, in seconds from now: after=then - datetime.now(UTC)"),
        ("exc error cause exception", 'what went wrong is tried again: `raise Retry("why") from error`'),
        (
            "max max_snoozes max_retries retries max_attempts limit",
            "no attempt counts; `raise Reject(…)` when it is too late",
        ),
    ),
)
REJECT = CallTerms(
    "Reject",
    'Write `raise Reject("why")`: the reason stands in the job\'s failure.',
    {"requeue": '`raise Retry("why", after=30)` asks for another attempt'},
)
RUN = CallTerms(
    "run_handler()",
    'Write it like `await run_handler(greet, {"name": "Ada"}, state=pool, attempt=2)`.',
    _table(
        ("job_id task_id message_id jid", "it is id="),
        ("args kwargs params", "the payload comes second, as one object"),
        ("ctx context lifespan pool deps", "state= takes the place of what the lifespan gives"),
        ("retries max_retries", "it is max_attempts="),
        ("time_limit soft_time_limit", "it is timeout="),
        ("queue", "a handler does not see it"),
        ("client world", "there is none in it: give the handler what it submits with by state="),
    ),
)
SENDERS = "delay apply_async apply s si signature send send_with_options enqueue kiq kicker perform_async".split()
"""The methods by which other job systems have a task run by a worker."""
ATTRIBUTES: Mapping[str, str] = _table(
    ("retry", '`raise cqworker.Retry("why", after=30)` asks for another attempt'),
    ("snooze postpone defer reschedule", '`raise cqworker.Snooze("why", after=3600)` hands the job back for that long'),
    ("reject fail abort discard", '`raise cqworker.Reject("why")` ends the job for good'),
    ("request", "what Celery keeps there is job.id, job.attempt, job.metadata"),
    ("job_id task_id jid message_id uuid", "it is job.id"),
    ("task name job_type func_name actor_name task_name", "it is job.type"),
    ("payload args kwargs params arguments body message data", "the payload is the handler's first parameter"),
    (
        "update_state update_progress set_progress save_meta report_progress heartbeat",
        "it is job.progress(done, total)",
    ),
    ("logger logging", "it is job.log"),
    ("attempts retries retry_count job_try tries executions", "it is job.attempt, which counts from 1"),
    ("max_retries", "it is job.max_attempts"),
    ("meta headers labels", "it is job.metadata, and job.tags"),
    ("ctx context app pool deps", "what the type's lifespan gave is job.state"),
    ("cancelled canceled aborted is_aborted is_cancelled is_canceled stopped should_stop", "it is job.stopping"),
    ("checkpoint raise_if_cancelled", "it is job.check()"),
    ("timeout time_limit time_left remaining", "job.deadline says when this attempt is stopped"),
)
