"""What bounds every call to AWS, through the SDK or over connections of our own."""

from __future__ import annotations

CONNECT_SECONDS = 3
"""Seconds for a TCP connection."""
HANDSHAKE_SECONDS = 6
"""Seconds for TLS on it."""
SDK_CONNECT_SECONDS = 5
"""The SDK has one bound for both, and three tries of it must fit into a call's deadline."""
READ_SECONDS = 10
"""Seconds for the next byte of an answer: a call that hangs for so long leaves its deadline room for another try."""
POLL_READ_SECONDS = 30
"""Seconds for the same of a receive, which waits up to 20 s for a message (ReceiveMessage, WaitTimeSeconds)."""
POOL_SIZE = 64
"""Connections of a pool; only receives could take them all, and those have a pool of their own."""
MAX_TRIES = 3
"""How often a call is tried in all."""
