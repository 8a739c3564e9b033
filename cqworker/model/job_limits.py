"""What a job may say, however it comes: over HTTP, from Python, or in a message that anybody wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

MAX_JOB_ID = 64
"""Characters of a job's id; our own have 36."""
MAX_TYPE = 128
"""Characters of a job type."""
MAX_ATTEMPTS = 300
"""Starts of one round: three receives each, and a redrive policy counts to a thousand (SQS API, SetQueueAttributes)."""
MAX_TIMEOUT = 39_600
"""Seconds of an attempt, eleven hours: SQS hides a message 12 h at most from its receipt (ChangeMessageVisibility)."""
MAX_PAUSE = 31_622_400
"""Seconds that a job is put off at most, 366 days: a longer time is a mistake, such as a time of day for seconds."""
MAX_ROUND = 999_999_999
"""The last round: the key of an artifact has room for nine digits."""
MAX_BATCH = 500
"""Jobs in one request of POST /jobs/batch, and in one that the client sends."""
MAX_WAIT = 20.0
"""Seconds that one request waits for a job's end (`?wait=`): proxies give up after 30 and 60."""
MAX_TAGS = 10
"""Tags of a job."""
"""Tags of a job."""
MAX_TAG = 64
"""Characters of a tag."""
MAX_METADATA = 16
"""Entries of a job's metadata."""
"""Keys of a job's metadata."""
MAX_METADATA_BYTES = 1024
"""Bytes of all keys and values of a job's metadata in UTF-8."""
MAX_TIME_MS = 253_402_300_799_999
"""The end of the year 9999 in epoch ms: later times cannot be written as dates."""
MAX_UNIQUE_TEXT = 128
"""Characters of a text that jobs are unique by."""
MAX_UNIQUE_FIELDS = 16
"""Fields of a payload that jobs are unique by."""
UNIQUE_PATTERN = "^[a-z_]{1,20}#[0-9a-f]{64}$"
"""How records and messages name a job's unique key: the scope that it was taken for, and its hash."""
LONGEST_QUEUE_NAME = 80
"""Characters of a standard queue's name (SQS API, CreateQueue)."""
QUEUE_NAME = rf"^[A-Za-z0-9_-]{{1,{LONGEST_QUEUE_NAME}}}$"
"""A standard queue's name (SQS API, CreateQueue)."""
_is_queue_name = re.compile(QUEUE_NAME.rstrip("$")).fullmatch
CACHE_SIZE = 1024
"""Answers that are remembered: a queue's messages say the same few names."""


@lru_cache(maxsize=CACHE_SIZE)
def is_queue_name(name: str) -> bool:
    """Whether SQS lets a standard queue have this name."""
    return _is_queue_name(name) is not None


def metadata_fault(metadata: Mapping[str, str]) -> str | None:
    """What is wrong with the size of a job's metadata; None where nothing is."""
    size = sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items())
    if size > MAX_METADATA_BYTES:
        return f"keys and values have {size} bytes, at most {MAX_METADATA_BYTES} are kept"
    return None
