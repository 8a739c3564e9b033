"""Names that nothing else has."""

from __future__ import annotations

import re
import uuid

from cqworker.model.ids import MAX_JOB_ID, TokenMint, new_job_id, worker_name
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
    one, other = TokenMint(), TokenMint()
    tokens = [mint.fresh() for mint in (one, other) for _ in range(1000)]
    assert len(set(tokens)) == len(tokens)
    assert max(map(len, tokens)) <= 13


def test_a_workers_name_is_short_and_fits_into_a_history_entry() -> None:
    assert re.fullmatch(r"[^| ]{1,20}:\d+", worker_name())
