"""What bounds every call to AWS, through the SDK or past it."""

from __future__ import annotations

CONNECT = 3
HANDSHAKE = 6
"""Seconds for a TCP connection, and for TLS on it."""
SDK_CONNECT = 5
"""Seconds: the SDK has one bound for both, and three tries of it must fit into a call's deadline."""
READ = 10
POLL_READ = 30
"""Seconds: a receive waits up to 20 for its answer (ReceiveMessage, WaitTimeSeconds)."""
POOL = 64
"""Connections of a pool; only receives could take them all, and those have a pool of their own."""
TRIES = 3
"""How often a call is tried in all."""
