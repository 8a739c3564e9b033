"""Names for jobs, attempts and workers."""

from __future__ import annotations

import itertools
import os
import secrets
import socket
import uuid

MAX_HOST = 24
"""Characters of a host's name that a worker's has: its end, where a pod's name tells it from its siblings."""
WORKER_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""The letters and digits of a worker's random part, none of which is taken for another."""
IDEMPOTENCY_KEY = r"^[ -~]{1,128}$"
"""What an Idempotency-Key looks like: 1 to 128 characters of printable ASCII."""


def new_job_id(now_ms: int) -> str:
    """A UUIDv7 (RFC 9562, section 5.7) with 74 random bits, sortable by the time of its making."""
    random = secrets.randbits(74)
    value = (now_ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return str(uuid.UUID(int=value))


class TokenGenerator:
    """Makes the tokens of claims: no other process, and no other claim of this one, ever has the same."""

    def __init__(self) -> None:
        self._nonce = secrets.token_urlsafe(6)
        self._count = itertools.count()

    def new_token(self) -> str:
        """A token of about 12 bytes: this process's random nonce and a counter."""
        return f"{self._nonce}.{next(self._count):x}"


def process_of(token: str) -> str:
    """What the tokens of one process have in common, and those of no two."""
    return token.partition(".")[0]


def worker_name() -> str:
    """A name for this process that no other in the fleet has: `host.random:pid`, short, so that history stays cheap.

    Containers share process ids, and host names where they use the host's network; six of 32 letters are 30 bits.
    """
    chance = "".join(secrets.choice(WORKER_ALPHABET) for _ in range(6))
    return f"{_end_of(socket.gethostname().partition('.')[0]) or 'host'}.{chance}:{os.getpid()}"


def _end_of(host: str) -> str:
    """The last characters of a host's first label, without the stump of a word that was cut."""
    if len(host) <= MAX_HOST:
        return host
    end = host[-MAX_HOST:]
    stump, dash, whole = end.partition("-")
    return whole if dash and len(stump) < MAX_HOST // 2 else end
