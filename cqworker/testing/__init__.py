"""run_handler() and World for the authors of handlers; the ports in memory, a virtual clock, what goes through them."""

from __future__ import annotations

from cqworker.clock import Clock
from cqworker.errors import CqworkerError, InvalidPayload
from cqworker.model.attempt_writes import Claim, HandBack, Renew, Reopen, Settle
from cqworker.model.envelope import Envelope
from cqworker.model.history import Entry
from cqworker.model.limits import Woken
from cqworker.model.listing import Listing
from cqworker.model.operator_writes import AskCancel, Enter, Forestall, Lose, NewRound
from cqworker.model.priority_writes import Reprioritise
from cqworker.model.public_job import JobView
from cqworker.model.rates import Admitted
from cqworker.model.record import Failure, JobRecord, Progress
from cqworker.model.schedule_writes import HandOver, Reschedule
from cqworker.model.status import FailureKind, Status
from cqworker.model.writes import Refused, Written
from cqworker.plugins.process_call import ChildFailure
from cqworker.ports import Delivery, Depth, EntryFault, KeyItem, Letter, StoredObject
from cqworker.testing.job_facts import JobFacts
from cqworker.testing.memory_ports import MemoryArtifacts, MemoryQueue, MemoryStore
from cqworker.testing.run_once import HandlerRun, run_handler
from cqworker.testing.virtual_run import in_virtual_time, run_virtually
from cqworker.testing.virtual_time import VirtualClock, VirtualTimeLoop
from cqworker.testing.world import World
from cqworker.testing.world_operator import WorldOperator

__all__ = [
    "Admitted",
    "AskCancel",
    "ChildFailure",
    "Claim",
    "Clock",
    "CqworkerError",
    "Delivery",
    "Depth",
    "Enter",
    "Entry",
    "EntryFault",
    "Envelope",
    "Failure",
    "FailureKind",
    "Forestall",
    "HandBack",
    "HandOver",
    "HandlerRun",
    "InvalidPayload",
    "JobFacts",
    "JobRecord",
    "JobView",
    "KeyItem",
    "Letter",
    "Listing",
    "Lose",
    "MemoryArtifacts",
    "MemoryQueue",
    "MemoryStore",
    "NewRound",
    "Progress",
    "Refused",
    "Renew",
    "Reopen",
    "Reprioritise",
    "Reschedule",
    "Settle",
    "Status",
    "StoredObject",
    "VirtualClock",
    "VirtualTimeLoop",
    "Woken",
    "World",
    "WorldOperator",
    "Written",
    "in_virtual_time",
    "run_handler",
    "run_virtually",
]
