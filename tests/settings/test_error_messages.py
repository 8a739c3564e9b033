"""Every mistake in a configuration, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from cqworker.errors import ConfigurationError
from cqworker.settings import load_settings

HASH = "0" * 64
OWN = "s3://cqworker-artifacts"
TOKEN = f"{{name='a', sha256='{HASH}'}}"


def faults_of(path: Path | None, environ: dict[str, str] | None = None, **flags: object) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path, environ or {}, {key.replace("__", "."): value for key, value in flags.items()})
    return caught.value.faults


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cqworker.toml"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[store]\nretention_days = 7", "store.retention_days = 7 must be a whole number from 15 to 3650. Days"),
        ("[store]\nretention_days = 7", "SQS keeps a message for up to 14 days"),
        ("[store]\ntabel = 'x'", "there is no setting store.tabel; did you mean store.table?"),
        ("[stroe]\ntable = 'x'", "there is no setting stroe; did you mean store?"),
        ("[worker]\nport = 1", "there is no setting worker.port; did you mean http.port?"),
        (
            "[worker]\nxyzzy = 1",
            "there is no setting worker.xyzzy; worker has concurrency, drain_timeout, max_abandoned_handlers",
        ),
        ("xyzzy = 1", "there is no setting xyzzy; the configuration has store, artifacts, queues"),
        ("[worker]\nconcurrency = 0", "worker.concurrency = 0 must be a whole number from 1 to 10000."),
        ("[worker]\nconcurrency = true", "worker.concurrency = true must be a whole number"),
        ("[worker]\nconcurrency = 1.5", "worker.concurrency = 1.5 must be a whole number"),
        ("[worker]\nconcurrency = [1]", "worker.concurrency = [1] must be a whole number"),
        ("[worker]\ndrain_timeout = nan", "worker.drain_timeout = NaN must be a number from 0 to 3600."),
        ("[worker]\ndrain_timeout = inf", "worker.drain_timeout = Infinity must be a number from 0 to 3600."),
        ("worker = 3", "worker = 3 must be a table."),
        ("[log]\nlevel = 'loud'", 'log.level = "loud" must be one of debug, info, warning, error.'),
        ("[http]\nmax_body = 5", "http.max_body = 5 must be a whole number of at least 1024."),
        ("queues = []", "queues: at least one queue is needed."),
        ("queues = 'jobs'", 'queues = "jobs" must be a list.'),
        ("[[queues]]\nwait_time = 5", "queues[0].name is missing. The SQS queue's name"),
        ("[[queues]]\nname = 'https://sqs.x/1/jobs'", 'queues[0].name: give the name, "jobs", not the URL.'),
        ("[[queues]]\nname = 'arn:aws:sqs:x:1:jobs'", 'queues[0].name: give the name, "jobs", not the ARN.'),
        ("[store]\ntable = 'arn:aws:dynamodb:x:1:table/jobs'", 'store.table: give the name, "jobs", not the ARN.'),
        ("[artifacts]\nbucket = 's3://own/below'", 'artifacts.bucket: give the name, "own", not the URL.'),
        ("[artifacts]\nbucket = 'arn:aws:s3:::own/*'", 'artifacts.bucket: give the name, "own", not the ARN.'),
        ("[[queues]]\nname = 'a.fifo'", 'queues[0].name = "a.fifo" does not have the right form.'),
        ("[[queues]]\nname = 'a'\n[[queues]]\nname = 'a'", "queues: a is named twice"),
        (
            "[[queues]]\nname = 'a'\npriorities = ['high', 'medium']\n[[queues]]\nname = 'a-high'",
            "queues: a-high is named twice; every queue and every dead-letter queue needs one of its own.",
        ),
        (
            "[[queues]]\nname = 'a'\npriorities = ['high', 'low']",
            'queues[0].priorities: a queue has no levels, or several with "medium" among them',
        ),
        (
            "[[queues]]\nname = 'a'\npriorities = ['low', 'medium', 'high']",
            "queues[0].priorities: write each level once, the most urgent first: high, medium, low.",
        ),
        (
            "[[queues]]\nname = 'a'\npriorities = ['urgent', 'medium']",
            "must be one of highest, high, medium, low, lowest",
        ),
        (
            "[[queues]]\nname = 'a'\npriorities = ['high', 'medium']\nweights = [1, 2, 3]",
            "queues[0].weights: there are 3 for 2 levels; give each level of priorities one.",
        ),
        (
            f"[[queues]]\nname = '{'q' * 78}'\npriorities = ['high', 'medium']",
            f'queues[0].priorities: the name of a level\'s queue, "{"q" * 78}-high", is longer than 80.',
        ),
        ("[[queues]]\nname = 'a'\nmode = 'fair'", 'queues[0].mode = "fair" must be one of weighted, strict.'),
        (
            "[worker]\nconcurrency = 2\n[[queues]]\nname = 'a'\npriorities = ['high', 'medium']\nreserve = 2",
            'worker: the queue "a" reserves 2 of 2 slots; give it a reserve of 1, or the worker more concurrency.',
        ),
        (
            "[http]\nmax_upload = 5000000\nmax_spool = 4000000",
            "http.max_spool: an artifact of max_upload (5000000 bytes)",
        ),
        ("[[queues]]\nname = 'a'\ndead_letter_queue = 'a'", "queues: a is named twice"),
        ("[handlers.types.'a.b']\ntimeout = 50000", 'handlers.types."a.b".timeout = 50000 must be a number above 0'),
        ("[handlers.types.'a.b']\ntimeout = 50000", "at most 11 h, for SQS hides a message no longer than 12 h"),
        ("[handlers.types.'a.b'.backoff]\ncap = 0", 'handlers.types."a.b".backoff.cap = 0 must be a number above 0'),
        ("[handlers.types.a]\nqueue = 'b'", 'handlers: the queue "b" of a is not configured; there is cqworker.'),
        ("[artifacts]\nsources = ['/tmp']", 'artifacts.sources[0] = "/tmp" does not have the right form.'),
        (
            f"[artifacts]\nsources = ['{OWN}', 's3://beside/in', '{OWN}/cqworker/a']",
            f"artifacts.sources: {OWN}, {OWN}/cqworker/a overlap {OWN}/cqworker/, where the jobs of all tenants",
        ),
        (
            f"[artifacts]\nsources = ['{OWN}']",
            "name places beside it, or give artifacts a bucket or a prefix of its own.",
        ),
        (f"[artifacts]\nprefix = ''\nsources = ['{OWN}/in']", f"{OWN}/in overlap {OWN}/, where the jobs"),
        ("[artifacts]\nbucket = 'A_B'", 'artifacts.bucket = "A_B" does not have the right form.'),
        ("[artifacts]\nprefix = 'a'", 'artifacts.prefix = "a" does not have the right form. Every key begins with it'),
        (f"http.tokens = [{{name='a', sha256='{HASH}', scopes=['all']}}]", "http.tokens[0].scopes[0] must be one of"),
        (f"http.tokens = [{{name='a', sha256='{HASH}', scope=['read']}}]", "did you mean http.tokens[0].scopes?"),
        (
            f"http.tokens = [{{name='a', sha256='{HASH}', tenant='acme corp'}}]",
            "http.tokens[0].tenant: tenant takes 1 to 128 printable ASCII characters without a space",
        ),
        (f"http.tokens = [{{name='a', sha256='{HASH}', tenant='..'}}]", 'no name with an empty, "." or ".." step'),
        (
            f"http.tokens = [{TOKEN}, {TOKEN}]",
            "http.tokens: two tokens are called a",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_its_cure(path: Path, text: str, fault: str) -> None:
    path.write_text(text, encoding="utf-8")
    assert any(told.startswith(f"{path}: ") and fault in told for told in faults_of(path))


def test_two_tokens_with_one_hash_are_refused(path: Path) -> None:
    path.write_text(f"[http]\ntokens = [{{name='a', sha256='{HASH}'}}, {{name='b', sha256='{HASH}'}}]")
    assert "two tokens have the same sha256" in faults_of(path)[0]


def test_a_token_written_where_its_hash_belongs_is_not_repeated(path: Path) -> None:
    path.write_text('[[http.tokens]]\nname = "a"\nsha256 = "tops3cret"\n')
    (fault,) = faults_of(path)
    assert "http.tokens[0].sha256 does not have the right form." in fault
    assert "sha256sum" in fault
    assert "tops3cret" not in fault


def test_all_mistakes_are_told_at_once_each_with_its_own_place(path: Path) -> None:
    path.write_text("[worker]\nconcurrency = 0\n[handlers.types.a]\nqueue = 'b'\n")
    environ = {"CQWORKER_LOG__LEVEL": "loud", "CQWORKER_LGO__FORMAT": "json"}
    told = faults_of(path, environ, http__port=99_999, log__format="xml")
    places = {fault.partition(":")[0] for fault in told}
    assert places == {str(path), "CQWORKER_LOG__LEVEL", "CQWORKER_LGO__FORMAT", "--port", "--format"}
    assert len(told) == 6


def test_a_table_that_is_none_is_told_even_where_a_variable_goes_into_it(path: Path) -> None:
    path.write_text("http = 3\n")
    assert faults_of(path, {"CQWORKER_HTTP__PORT": "1"}) == (f"{path}: http = 3 must be a table. {HTTP}",)


HTTP = "`[http]`: where the daemon listens and what it accepts."


def test_a_long_value_is_cut(path: Path) -> None:
    path.write_text(f"[log]\nlevel = '{'x' * 500}'\n")
    assert len(faults_of(path)[0]) < len(str(path)) + 200


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    assert faults_of(path) == (f"{path}: cannot be read: No such file or directory. Check the path and its mode.",)


def test_a_file_that_is_no_toml_is_told_with_its_line(path: Path) -> None:
    path.write_text("[http]\nport 80\n")
    assert "is not TOML" in faults_of(path)[0]
    assert "line 2" in faults_of(path)[0]


def test_a_file_that_is_no_text_is_told(path: Path) -> None:
    path.write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in faults_of(path)[0]


def test_a_broken_file_hides_no_mistake_in_the_environment(path: Path) -> None:
    path.write_text("[")
    assert len(faults_of(path, {"CQWORKER_LOG__LEVEL": "loud"})) == 2
