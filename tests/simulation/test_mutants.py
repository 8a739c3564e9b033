"""The simulation can fail: it tells a protocol wrong in one place from the right one (`make simulate`: each)."""

from __future__ import annotations

import inspect

import pytest

from tests.simulation.campaign import hunt
from tests.simulation.mutants import MUTANTS, mutated
from tests.simulation.run import simulate

MOST_SEEDS = 20
WHOLE = (
    "a renewal counts from its answer",
    "a fresh copy has only what this version knows",
    "a new round inherits the cancel of the last",
    "every attempt writes to one key",
    "a hand-back does not move the record's end on",
    "a job leaves the index before its message is sent",
    "a long retry has a time and no place in the index",
    "a job for later is put without a place in the index",
    "two starts get one moment",
    "a job that waits for its moment has no message",
    "a retry takes its unique key without its round",
    "a unique key binds whatever became of its job",
)
QUICK = ("no fence in settle", "delete before settle", "only the receipt is renewed", *WHOLE)
pytestmark = pytest.mark.timeout(240)  # on a busy machine too


@pytest.mark.parametrize("name", MUTANTS)
def test_every_mutant_still_finds_what_it_changes(name: str) -> None:
    """A name that production code has no more would let its hunt fail with an error of its own."""
    with mutated(name):
        pass


@pytest.mark.parametrize("name", MUTANTS)
def test_what_a_mutant_puts_in_place_of_a_coroutine_function_is_one(name: str) -> None:
    """Else whoever awaits it raises, and is not judged."""
    others = []

    def compare(owner: object, what: str, other: object) -> object:
        usual = inspect.getattr_static(owner, what)
        if inspect.isfunction(usual) and inspect.isfunction(other):
            others.append((what, inspect.iscoroutinefunction(usual), inspect.iscoroutinefunction(other)))
        return usual

    MUTANTS[name].mutate(compare)
    assert [what for what, usual, other in others if usual and not other] == []


@pytest.mark.parametrize("name", QUICK)
def test_a_wrong_protocol_is_found_out_by_a_seed_that_has_nothing_against_the_right_one(name: str) -> None:
    assert name in MUTANTS
    catch = hunt(name, MOST_SEEDS)
    assert catch.seed is not None, f"none of {catch.tried} seeds told it from the right protocol"
    assert simulate(catch.seed, hasty=True).violations == ()
