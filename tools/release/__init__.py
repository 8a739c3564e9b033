"""Makes a release: version and section of the CHANGELOG in a commit of their own, wheel and sdist from that commit."""

from __future__ import annotations


class ReleaseRefusedError(Exception):
    """Why there is no release, and what to do about it."""
