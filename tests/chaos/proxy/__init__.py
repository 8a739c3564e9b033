"""A fault proxy between the worker and its AWS: it knows SQS, DynamoDB and S3 operations and their rules."""

from __future__ import annotations

from tests.chaos.proxy.duplicates import Duplicates
from tests.chaos.proxy.faults import Delay, DropAfter, DropBefore, Fault, Plan, Refuse, Rule
from tests.chaos.proxy.receipts import StrictReceipts
from tests.chaos.proxy.server import Proxy

__all__ = [
    "Delay",
    "DropAfter",
    "DropBefore",
    "Duplicates",
    "Fault",
    "Plan",
    "Proxy",
    "Refuse",
    "Rule",
    "StrictReceipts",
]
