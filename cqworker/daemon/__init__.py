"""The composition root and the daemon's lifecycle: open, ready, quiet, drain, close."""

from __future__ import annotations

from cqworker.daemon.lifecycle import run
from cqworker.daemon.standalone import JobServices, open_job_services

__all__ = ["JobServices", "open_job_services", "run"]
