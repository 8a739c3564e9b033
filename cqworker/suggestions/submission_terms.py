"""Words for submitting jobs: the options of a submission, and what a client is asked for elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from cqworker.suggestions.call_errors import CallTerms

_DELAY = "delay= is seconds from now, or a timedelta"
_RUN_AT = "run_at= is a datetime with a time zone, delay= is seconds from now, or a timedelta"
_PAYLOAD = 'the payload is one object: submit("acme.greet", {"name": "Ada"})'
_KEY = "key= names a submission: for 24 hours the same key gives the same job; the job's own id is made here"
_UNIQUE = 'it is unique=, such as unique=Unique(["order_id"]) or Unique(window=60)'
_QUEUE = "it is queue="
_PRIORITY = "priority= names a level of its queue"
_ATTEMPTS = "max_attempts= counts every start, the first one too (3 retries are max_attempts=4)"
_HANDLERS = 'its author (@handler(timeout=…)) or the operator ([handlers.types."…"] timeout) says it for the type'
_AFTERWARDS = "nothing follows a job by itself: wait for it, or let its handler submit what follows"
_METADATA = "it is metadata=, texts by name, and tags="
_KEPT = "a job and its result are kept for [store] retention_days"

OTHERS: Mapping[str, str] = {
    word: sentence
    for words, sentence in (
        ("countdown defer_by _defer_by run_in delay_seconds delay_ms enqueue_in in_ wait wait_for", _DELAY),
        ("eta defer_until _defer_until at enqueue_at perform_at scheduled_at schedule_at schedule_time", _RUN_AT),
        ("start_after start_at start_time not_before wait_until schedule_for run_after when", _RUN_AT),
        ("args kwargs params arguments payload_ref data body input", _PAYLOAD),
        ("task_id job_id _job_id message_id id jid uuid unique_key deduplication_id dedup_id", _KEY),
        ("idempotency_key job_key", _KEY),
        ("unique_for unique_until unique_by singleton_key", _UNIQUE),
        ("queue_name routing_key exchange _queue_name topic task_queue", _QUEUE),
        ("prio level urgency message_group_id group_id", _PRIORITY),
        ("retries max_retries retry retry_policy attempts max_tries _job_try retry_limit", _ATTEMPTS),
        ("time_limit soft_time_limit timeout job_timeout _expires expires ttl execution_timeout expire_in", _HANDLERS),
        ("link link_error on_success on_failure callback callback_url depends_on chord then", _AFTERWARDS),
        ("headers meta labels description tag attributes", _METADATA),
        ("result_ttl failure_ttl keep_result ignore_result store_result", _KEPT),
        ("serializer compression content_type", "payloads are JSON"),
        ("type job_type task name", 'the job type comes first: submit("acme.greet", {"name": "Ada"})'),
        ("payload", 'the payload comes second, without a name: submit("acme.greet", {"name": "Ada"})'),
        ("trace_id traceparent tenant", "a client cannot choose it"),
    )
    for word in words.split()
}
FIELDS_ELSEWHERE: Mapping[str, str] = {
    word: field
    for field, words in {
        "run_at": "eta at scheduled_at schedule_at schedule_time scheduledAt startAt start_at start_time start_after "
        "runAt wait_until not_before defer_until enqueue_at run_after when",
        "delay_seconds": "delay countdown delaySeconds delay_ms wait in in_ after defer_by enqueue_in run_in",
    }.items()
    for word in words.split()
}
"""What the fields that say when a job starts are called elsewhere, and which of ours each of these words is."""
USAGE = 'Write it like submit("acme.greet", {"name": "Ada"}, key="order-42").'
CLIENT = CallTerms(
    "Client.http()",
    'Write it like Client.http("http://127.0.0.1:8080", token="…").',
    {
        word: sentence
        for words, sentence in (
            ("host port base_url address endpoint", "the URL says both: http://127.0.0.1:8080"),
            (
                "broker broker_url redis connection backend dsn",
                "it speaks to a daemon; Client.aws() speaks to SQS itself",
            ),
            ("api_key auth headers password bearer", "it is token="),
            ("timeout retries max_retries", "each call has limits of its own; wait() and result() take timeout="),
            ("verify ssl ca cert", "SSL_CERT_FILE names an authority of your own"),
        )
        for word in words.split()
    },
)
SUBMIT = CallTerms("submit()", USAGE, OTHERS)
NEW_JOB = CallTerms("A job", 'Write it like NewJob("acme.greet", {"name": "Ada"}, key="order-42").', OTHERS)

_SUBMIT = 'it is `await client.submit("acme.greet", {"name": "Ada"})`'
ATTRIBUTES: Mapping[str, str] = {
    word: sentence
    for words, sentence in (
        ("enqueue enqueue_job send_task send delay apply_async kiq kick perform_async push add publish call", _SUBMIT),
        ("send_message add_job create_job schedule run start put queue_job submit_job", _SUBMIT),
        ("enqueue_in perform_in submit_in apply_in", f"{_SUBMIT}, with delay="),
        ("enqueue_at perform_at submit_at schedule_at", f"{_SUBMIT}, with run_at="),
        (
            "reschedule_job postpone defer snooze move update_eta change_time",
            "it is `await client.reschedule(job_id, run_at=…)`, or delay=",
        ),
        ("trigger start_now promote execute fire", "it is `await client.run_now(job_id)`"),
        (
            "bulk enqueue_many submit_all map push_bulk send_many batch",
            "it is `await client.submit_many([NewJob(…), …])`",
        ),
        ("fetch fetch_job show job status state info AsyncResult job_info read", "it is `await client.get(job_id)`"),
        (
            "join ready wait_for wait_result get_result result_of poll",
            "it is `await client.result(job_id, timeout=60)`",
        ),
        ("revoke abort kill stop delete terminate", "it is `await client.cancel(job_id)`"),
        ("requeue resubmit rerun replay", "it is `await client.retry(job_id)`"),
        ("connect connection session", "open it by `async with client:` or `await client.open()`"),
        ("disconnect aclose shutdown", "it is `await client.close()`"),
        ("put_artifact upload_file store", "it is `await client.upload(data)`"),
        ("artifact get_artifact download_file", "it is `await client.download(job_id)`"),
        ("jobs search find all list_jobs failed", 'it is `async for job in client.list(status="FAILED")`'),
    )
    for word in words.split()
}


_SINCE = "it is since=, a datetime with a zone or an RFC 3339 text, and until="
_PAGES = "the pages come by themselves: leave the loop when you have enough"
_LISTS = (
    ("from_ start after begin created_after finished_after", _SINCE),
    ("to end before created_before finished_before", _SINCE),
    ("job_type task name", "it is type="),
    ("tags", "it is tag=, one of them"),
    ("state states statuses", "it is status=, one of them"),
    ("limit count page page_size per_page offset cursor", _PAGES),
)
LIST = CallTerms(
    "list()",
    'Write it like `async for job in client.list(status="FAILED", type="acme.greet")`.',
    {word: sentence for words, sentence in _LISTS for word in words.split()},
)
COUNT = CallTerms(
    "count()",
    'Write it like count(status="FAILED", type="acme.greet").',
    {word: sentence for words, sentence in _LISTS for word in words.split()}
    | {"tag": "the index that counts has no tags; count what list(tag=…) gives"},
)
_TIMEOUT = "it is timeout=, in seconds, or a timedelta"


def _call(name: str, usage: str, /, **others: str) -> CallTerms:
    return CallTerms(f"{name}()", f"Write it like {usage}.", others)


SUBMIT_MANY = _call("submit_many", 'submit_many([NewJob("acme.greet", {"name": "Ada"}), …])')
GET = _call("get", "get(job_id)", timeout="wait(job_id, timeout=60) waits for the end")
_WAITS = dict.fromkeys(("seconds", "wait", "within", "timeout_seconds", "timeout_ms", "max_wait"), _TIMEOUT)
_POLLS = dict.fromkeys(
    ("interval", "poll_delay", "poll_interval"), "the answer comes as soon as the job ends; leave it out"
)
WAIT = _call("wait", "wait(job_id, timeout=60)", **_WAITS, **_POLLS)
RESULT = _call(
    "result",
    "result(job_id, timeout=60)",
    **_WAITS,
    **_POLLS,
    propagate="a job that did not succeed raises JobFailed; wait(job_id) returns it",
)
RETRY = _call(
    "retry",
    "retry(job_id, round_number=1)",
    countdown="a retry starts at once",
    delay="a retry starts at once",
    round="it is round_number=",
)
CANCEL = _call(
    "cancel",
    "cancel(job_id)",
    terminate="one that runs is told to stop, always",
    signal="one that runs is told to stop, always",
)
RESCHEDULE = _call(
    "reschedule",
    "reschedule(job_id, run_at=datetime.now(UTC) + timedelta(days=3)), or delay=timedelta(days=3)",
    **dict.fromkeys(("eta", "at", "scheduled_at", "schedule_at", "wait_until", "when"), "it is run_at="),
    **dict.fromkeys(("countdown", "delay_seconds", "in_", "seconds", "after"), "it is delay="),
)
REPRIORITISE = _call(
    "reprioritise",
    'reprioritise(job_id, "high")',
    **dict.fromkeys(("level", "prio", "to"), "it is priority="),
    why="it is reason=",
)
RUN_NOW = _call(
    "run_now",
    "run_now(job_id)",
    delay="reschedule(job_id, delay=…) waits",
    run_at="reschedule(job_id, run_at=…) waits",
)
UPLOAD = _call(
    "upload",
    'upload(data, content_type="image/png")',
    name="an upload has no name; the reference that it returns names it",
    filename="an upload has no name; the reference that it returns names it",
    path="it takes the bytes: Path(…).read_bytes()",
)
DOWNLOAD = _call("download", 'download(job_id, name="report.csv")', path="it returns the bytes: Path(…).write_bytes(…)")
