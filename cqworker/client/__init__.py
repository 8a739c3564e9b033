"""Submitting jobs from Python and reading their results: over HTTP, or straight to SQS and DynamoDB."""

from __future__ import annotations

from cqworker.client.client import Client
from cqworker.client.errors import DaemonRefused, DaemonUnreachable, JobFailed, JobUnfinished, NotAdmitted
from cqworker.client.job import HistoryEntry, JobFailure, JobProgress, JobView, NewJob

__all__ = [
    "Client",
    "DaemonRefused",
    "DaemonUnreachable",
    "HistoryEntry",
    "JobFailed",
    "JobFailure",
    "JobProgress",
    "JobUnfinished",
    "JobView",
    "NewJob",
    "NotAdmitted",
]
