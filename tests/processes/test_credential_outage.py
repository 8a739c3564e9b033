"""Nobody hands out credentials, and those at hand have expired: jobs in hand end once there are new ones."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.processes.conftest import Start
from tests.processes.daemon import Daemon, until
from tests.processes.doors import Door, Refusal, doors
from tests.processes.plugin import Journal
from tests.processes.site import Site

pytestmark = pytest.mark.processes
JSON = "application/x-amz-json-1.0"
EXPIRED: Mapping[str, Refusal] = {
    "SQS": (403, JSON, b'{"__type": "com.amazonaws.sqs#ExpiredToken", "message": "x"}'),
    "DYNAMODB": (400, JSON, b'{"__type": "com.amazon.coral.service#ExpiredTokenException", "message": "x"}'),
    "S3": (400, "application/xml", b"<Error><Code>ExpiredToken</Code><Message>x</Message></Error>"),
}


class Source(ThreadingHTTPServer):
    """Hands credentials out as the agent of ECS and EKS does, each time others; and nothing while it is `away`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Teller)
        self.away = False
        self.handed_out = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Teller(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        source = self.server
        assert isinstance(source, Source)
        if source.away:
            return self.send_error(503)
        source.handed_out += 1
        keys = {"AccessKeyId": f"AKIA{source.handed_out}", "SecretAccessKey": "secret", "Token": "token"}
        body = json.dumps({**keys, "Expiration": "2099-01-01T00:00:00Z"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def log_message(self, *_: object) -> None:
        """Not a word."""


@pytest.fixture
def source() -> Iterator[Source]:
    with Source() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def gates(site: Site) -> Iterator[Mapping[str, Door]]:
    with doors() as make:
        yield {service: make(site.aws["AWS_ENDPOINT_URL"]) for service in EXPIRED}


@pytest.fixture
def place(site: Site, source: Source, gates: Mapping[str, Door]) -> Site:
    """Where nobody has keys but from the source."""
    own = {name: value for name, value in site.aws.items() if "KEY" not in name and "TOKEN" not in name}
    extra = {f"AWS_ENDPOINT_URL_{service}": gate.url for service, gate in gates.items()}
    extra["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = source.url
    return site.changed(aws=own, queues=["keyless"], extra=extra)


@contextmanager
def outage(source: Source, gates: Mapping[str, Door]) -> Iterator[None]:
    """The keys at hand have expired, and there are no others before the end; then each service takes new ones."""
    source.away = True
    for service, gate in gates.items():
        gate.refuse(EXPIRED[service])
    yield
    before, source.away = source.handed_out, False
    until(lambda: source.handed_out > before)
    for gate in gates.values():
        gate.open()


def test_a_job_that_ends_while_there_are_no_credentials_is_settled_when_there_are_some(
    place: Site, source: Source, gates: Mapping[str, Door], start: Start, journal: Journal
) -> None:
    daemon: Daemon = start(place)
    until(lambda: daemon.get("/readyz").status == 200)
    job_id = daemon.submit("proof.nap", {"seconds": 1})
    until(lambda: job_id in journal.noted("start"))
    with outage(source, gates):
        until(lambda: job_id in journal.noted("end"))
        until(lambda: daemon.get("/readyz").status == 503)
        assert daemon.get("/healthz").status == 200
    job = daemon.ended(job_id)
    assert (job["status"], job["attempt"], journal.noted("start").count(job_id)) == ("SUCCEEDED", 1, 1)
    until(lambda: daemon.get("/readyz").status == 200)
    assert "Traceback" not in daemon.log
