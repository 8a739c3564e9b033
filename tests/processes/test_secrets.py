"""Whatever goes wrong, no secret is on any page, line, metric, error or command line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from cqworker.model.status import FINAL
from tests.processes.conftest import Start
from tests.processes.daemon import RUN, Daemon, until
from tests.processes.site import Site

pytestmark = pytest.mark.processes

TOKEN, STRANGER = "canary-token-" + "a" * 32, "canary-stranger-" + "b" * 32
SECRET, SESSION = "canary/secret+" + "c" * 26, "canary-session//" + "d" * 200
PAYLOAD = "canary-payload-eeee"
CANARIES = (TOKEN, STRANGER, SECRET, SESSION, PAYLOAD)
HASH = hashlib.sha256(TOKEN.encode()).hexdigest()
OURS = {"Authorization": f"Bearer {TOKEN}"}
PAGES = ("/", "/status", "/metrics", "/healthz", "/readyz", "/handlers", "/openapi.json", "/jobs/no-such-job")
EXTRA = {
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": SESSION,
    "PROOF_TOKEN": TOKEN,
    "CQWORKER_LOG__LEVEL": "debug",
    "CQWORKER_HTTP__TOKENS": json.dumps(
        [{"name": "canary", "sha256": HASH, "scopes": ["submit", "read", "operate"], "tenant": "default"}]
    ),
}


@pytest.fixture(scope="module")
def guarded(site: Site) -> Site:
    return site.changed(queues=["secrets"], extra=EXTRA)


def said_by(daemon: Daemon, mistakes: list[str]) -> str:
    """All that a daemon shows to who has a token, to who has a wrong one, and to who has none."""
    shown = list(mistakes)
    for headers in (OURS, {"Authorization": f"Bearer {STRANGER}"}, {}):
        answers = [daemon.get(path, **headers) for path in PAGES]
        shown += [f"{answer.headers} {answer.body!r}" for answer in answers]
    arguments = Path(f"/proc/{daemon.process.pid}/cmdline").read_text()
    daemon.process.terminate()
    assert daemon.exit_code() == 0
    assert '"level":"debug"' in daemon.log
    return "\n".join([*shown, arguments, daemon.log])


def none_of(canaries: tuple[str, ...], text: str) -> bool:
    """Also not the stored hash, nor a piece long enough to be of use."""
    return not [canary for canary in (*canaries, HASH) if canary in text or canary[-24:] in text]


def test_a_daemon_that_runs_jobs_tells_no_secret(guarded: Site, start: Start) -> None:
    daemon = start(guarded, *RUN)
    mistakes = []
    bodies = [
        {"type": "proof.refuse", "payload": {"seconds": 1}, "metadata": {"note": PAYLOAD}},
        {"type": "text.transform", "payload": {"text": PAYLOAD}},
        {"type": "text.transform", "payload": {"text": PAYLOAD * 1000}},
    ]
    ids = [daemon.post("/jobs", body, **OURS).body["job_id"] for body in bodies]
    until(lambda: all(daemon.get(f"/jobs/{job_id}", **OURS).body["status"] in FINAL for job_id in ids))
    for body in ({"type": "text.transform", "payload": {"txt": PAYLOAD}}, {"type": PAYLOAD}, [PAYLOAD]):
        refused = daemon.post("/jobs", body, Authorization=f"Bearer {STRANGER}")
        assert refused.status == 401
        mistakes.append(f"{refused.headers} {refused.body!r}")
    assert none_of(CANARIES, said_by(daemon, mistakes))


def test_a_daemon_whose_handlers_quote_secrets_tells_none(guarded: Site, start: Start) -> None:
    daemon = start(guarded, *RUN)
    jobs = [(type_, ending) for type_ in ("proof.leak", "proof.leak_apart") for ending in range(3)]
    bodies = [{"type": type_, "payload": {"seconds": ending}} for type_, ending in jobs]
    paths = [f"/jobs/{daemon.post('/jobs', body, **OURS).body['job_id']}" for body in bodies]
    until(lambda: all(daemon.get(path, **OURS).body["status"] in FINAL for path in paths))
    views = [daemon.get(path, **OURS).body for path in paths]
    assert [view["failure"]["kind"] for view in views] == ["exhausted", "exhausted", "rejected"] * 2
    assert all("[redacted]" in view["failure"]["message"] for view in views)
    assert all("[redacted]" in views[place]["failure"]["detail"]["traceback"] for place in (0, 3))
    assert none_of(CANARIES, said_by(daemon, [json.dumps(view) for view in views]))


def test_a_daemon_whose_aws_is_away_tells_no_secret(guarded: Site, start: Start) -> None:
    away = guarded.changed(aws={**guarded.aws, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    daemon = start(away, *RUN)
    refused = daemon.post("/jobs", {"type": "text.transform", "payload": {"text": PAYLOAD}}, **OURS)
    assert refused.status == 503
    until(lambda: "service unavailable" in daemon.log)
    assert none_of(CANARIES, said_by(daemon, [f"{refused.headers} {refused.body!r}"]))


@pytest.mark.parametrize("command", [("config", "show"), ("config", "show", "--json"), ("doctor",)])
def test_commands_tell_no_secret(guarded: Site, command: tuple[str, ...]) -> None:
    done = guarded.run(*command)
    assert none_of(CANARIES, done.stdout + done.stderr)
