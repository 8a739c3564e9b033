"""Names for jobs, attempts and workers."""

from __future__ import annotations

import itertools
import os
import secrets
import socket
import uuid

MAX_JOB_ID = 64
KEY = r"^[ -~]{1,128}$"
"""What an Idempotency-Key looks like: printable ASCII."""


def new_job_id(now_ms: int) -> str:
    """A UUIDv7 (RFC 9562, section 5.7) with 74 random bits, sortable by the time of its making."""
    random = secrets.randbits(74)
    value = (now_ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return str(uuid.UUID(int=value))


class TokenMint:
    """Hands out claim tokens that no other process and no other claim of this one ever has."""

    def __init__(self) -> None:
        self._nonce = secrets.token_urlsafe(6)
        self._count = itertools.count()

    def fresh(self) -> str:
        """A token of about 12 bytes: this process's random nonce and a counter."""
        return f"{self._nonce}.{next(self._count):x}"


def worker_name() -> str:
    """Short, so that history stays cheap: the host's first label and the process id."""
    return f"{socket.gethostname().split('.')[0][:20]}:{os.getpid()}"
