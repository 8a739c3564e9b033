"""Words for the command line: the commands and options of other job systems, and what each is called here."""

from __future__ import annotations

from collections.abc import Mapping


def _table(*rows: tuple[str, str]) -> Mapping[str, str]:
    return {word: sentence for words, sentence in rows for word in words.split()}


_NUMBERS = "`cqworker jobs count` tells how many failed; GET /status and /metrics have the other numbers."
_NO_SCHEDULE = "Nothing is scheduled here: let cron or a timer call `cqworker submit TYPE --key=…`."
COMMANDS: Mapping[str, Mapping[str, str]] = {
    "program": _table(
        (
            "worker start serve server daemon consume consumer listen worker-pool multi up",
            "It is `cqworker run`.",
        ),
        ("beat scheduler schedule cron", _NO_SCHEDULE),
        ("enqueue call send publish apply delay perform add push", "It is `cqworker submit TYPE '{…}'`."),
        ("list ls jobs-list failed dead", "It is `cqworker jobs list`."),
        ("queue stats count", _NUMBERS),
        ("show status result info get inspect job", "It is `cqworker jobs show ID`."),
        ("revoke cancel kill abort terminate", "It is `cqworker jobs cancel ID`."),
        ("retry requeue rerun", "It is `cqworker jobs retry ID`."),
        ("purge empty flush clear", "No command empties a queue: cancel jobs one by one, or purge the queue in SQS."),
        ("flower monitor dashboard events web top", "A running daemon answers GET /status and /metrics."),
        ("init setup migrate upgrade create deploy", "It is `cqworker provision`."),
        ("check ping health healthcheck report", "It is `cqworker doctor`; a running daemon answers GET /healthz."),
        ("tasks registered types plugins actors functions", "It is `cqworker handlers list`."),
        ("settings env configuration", "It is `cqworker config show --sources`."),
        ("version", "It is `cqworker --version`."),
        ("shell console repl", "From Python: `from cqworker.client import Client` (docs/client.md)."),
    ),
    "jobs": _table(
        ("ls all search find failed", "It is `cqworker jobs list`."),
        ("stats", _NUMBERS),
        ("get status info result state describe log logs history wait", "It is `cqworker jobs show ID`."),
        ("revoke kill abort stop terminate delete remove discard", "It is `cqworker jobs cancel ID`."),
        ("requeue rerun replay restart", "It is `cqworker jobs retry ID`."),
        ("submit add enqueue new create run", "It is `cqworker submit TYPE '{…}'`."),
        ("postpone delay defer snooze schedule move", "It is `cqworker jobs reschedule ID --in=3d`, or --at=TIME."),
        ("now start trigger promote execute", "It is `cqworker jobs run-now ID`."),
    ),
}
_CONCURRENCY = "It is --concurrency: jobs at the same time in this process. More processes are more `cqworker run`."
_ATTEMPTS = "It is --max-attempts, which counts every start, the first one too."
_DELAY = "It is --in, such as --in=90s or --in=3d."
_AT = "It is --at, such as --at=2026-12-03T09:00:00+01:00."
_PAYLOAD = 'The payload is one JSON object behind the type: cqworker submit acme.greet \'{"name": "Ada"}\'.'
_LIMIT = 'A handler says its own (@handler(timeout=…)), or the configuration does: [handlers.types."…"] timeout.'
_RUN = _table(
    ("-c -P -p -t -w --workers --processes --threads --pool --autoscale --num-workers", _CONCURRENCY),
    ("-l --loglevel --log --verbose -v -q --quiet", "It is --log-level; [log.levels] says it for single loggers."),
    (
        "-Q -q --queue --queues -X --exclude-queues",
        "The queues stand in the configuration: [[queues]], or CQWORKER_QUEUES.",
    ),
    (
        "-A --app --include --module --modules -I",
        "Handlers are found by entry points: `cqworker handlers list` shows them.",
    ),
    ("-B --beat --schedule --with-scheduler", _NO_SCHEDULE),
    (
        "--broker -b --url -u --redis --result-backend --region --endpoint-url",
        "AWS_REGION and AWS_ENDPOINT_URL say it.",
    ),
    ("--burst --once", "A worker runs until it is told to stop (SIGTERM drains)."),
    ("--time-limit --soft-time-limit --timeout", _LIMIT),
    ("--max-tasks-per-child --max-memory-per-child", "A bound for one run is @handler(executor='process', memory=…)."),
    ("-n --hostname --name", "A worker names itself, after its host."),
    ("--watch --reload --autoreload", "Nothing is reloaded: stop it with Ctrl-C and start it again."),
    (
        "-D --detach --daemon --daemonize --pidfile --logfile -f",
        "It stays in front and logs to standard output: let systemd or a container run it.",
    ),
)
_BEHIND = "It follows the command: cqworker submit acme.greet '{…}' --url http://127.0.0.1:8080."
OPTIONS: Mapping[str, Mapping[str, str]] = {
    "program": _table(
        ("--url --config --token --json --log-level --port --host --role --queue --concurrency", _BEHIND),
        ("-A --app", "Handlers are found by entry points: `cqworker handlers list` shows them."),
        ("-v -V --verbose", "It is --debug for the traceback of an error, `run --log-level=debug` for the log."),
    ),
    "run": _RUN,
    "dev": _RUN,
    "submit": _table(
        ("--countdown --delay-seconds --enqueue-in --run-in --wait-for", _DELAY),
        ("--eta --run-at --schedule-at --scheduled-at --enqueue-at --start-at --wait-until --not-before", _AT),
        ("--args -a --kwargs -k --payload --data -d --params --json-payload", _PAYLOAD),
        ("--retries --max-retries --retry --tries", _ATTEMPTS),
        (
            "--task-id --id --job-id --idempotency-key",
            "It is --key: for 24 h the same key gives the same job.",
        ),
        (
            "--name --task --type --job-type",
            "The type comes first, without an option: cqworker submit acme.greet '{…}'.",
        ),
        ("--time-limit --timeout --expires --ttl", _LIMIT),
        ("--prio --level --urgency", "It is --priority."),
        ("-Q -q --queue-name --routing-key", "It is --queue."),
        ("--header --meta --label", "It is --metadata NAME=VALUE, or --tag."),
        ("--sync --result --follow -f", "It is --wait."),
    ),
}
