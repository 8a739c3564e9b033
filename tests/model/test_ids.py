"""Names that nothing else has."""

from __future__ import annotations

import os
import re
import uuid

import pytest

from cqworker.model.ids import MAX_HOST, TokenGenerator, new_job_id, worker_name
from cqworker.model.job_limits import MAX_JOB_ID
from tests.model.samples import NOW


def test_a_job_id_is_a_uuid_of_version_7_with_its_time_in_front() -> None:
    made = uuid.UUID(new_job_id(NOW))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == NOW
    assert len(str(made)) <= MAX_JOB_ID


def test_job_ids_sort_by_the_time_of_their_making() -> None:
    ids = [new_job_id(NOW + millisecond) for millisecond in (0, 1, 2, 1000, 10**6, 10**9)]
    assert ids == sorted(ids)


def test_job_ids_of_one_millisecond_differ_in_all_their_random_bits() -> None:
    made = [uuid.UUID(new_job_id(NOW)).int for _ in range(2000)]
    assert len(set(made)) == len(made)
    random = 0
    for value in made:
        random |= value ^ made[0]
    assert random.bit_count() == 74


def test_tokens_differ_within_a_process_and_between_processes() -> None:
    one, other = TokenGenerator(), TokenGenerator()
    tokens = [generator.new_token() for generator in (one, other) for _ in range(1000)]
    assert len(set(tokens)) == len(tokens)
    assert max(map(len, tokens)) <= 13


def test_a_workers_name_is_short_and_fits_into_a_history_entry() -> None:
    assert re.fullmatch(r"[^| ]{1,31}:\d+", worker_name())


def test_two_workers_of_one_host_and_process_id_have_two_names() -> None:
    assert len({worker_name() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("ip-10-0-1-7.eu-central-1.compute.internal", "ip-10-0-1-7"),
        ("cqworker-worker-6f7d8c9b5-x2x9z", "worker-6f7d8c9b5-x2x9z"),
        ("cqworker-worker-6f7d8c9b57-x2x9z", "worker-6f7d8c9b57-x2x9z"),
        ("a-very-long-name-of-a-stateful-set-12", "of-a-stateful-set-12"),
        ("0123456789abcdef0123456789abcdef", "89abcdef0123456789abcdef"),
        ("", "host"),
    ],
)
def test_a_workers_name_keeps_the_end_of_its_hosts_which_tells_pods_apart(
    host: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    assert worker_name().rpartition(".")[0] == shown


def test_a_workers_name_in_each_of_20_entries_leaves_a_record_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "x" * 64)
    assert len(worker_name()) <= MAX_HOST + 1 + 6 + 1 + len(str(os.getpid()))
