"""The HTTP API: requests in, JSON and problem+json out (RFC 9457)."""
