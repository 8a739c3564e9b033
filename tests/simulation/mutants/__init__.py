"""Protocols that are wrong on purpose, in one place each: the simulation must tell them from the right one."""

from __future__ import annotations

from tests.simulation.mutants import (
    leases,
    letters,
    outages,
    priorities,
    protocol,
    rates,
    replacements,
    rounds,
    schedule,
    slots,
    snoozes,
    unique,
)
from tests.simulation.mutants.registry import MUTANTS, Mutant, mutated

__all__ = [
    "MUTANTS",
    "Mutant",
    "leases",
    "letters",
    "mutated",
    "outages",
    "priorities",
    "protocol",
    "rates",
    "replacements",
    "rounds",
    "schedule",
    "slots",
    "snoozes",
    "unique",
]
