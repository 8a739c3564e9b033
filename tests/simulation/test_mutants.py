"""The simulation can fail: each protocol that is wrong in one place is told from the right one by some seed."""

from __future__ import annotations

import sys

import pytest

from tests.simulation.campaign import hunt
from tests.simulation.mutants import MUTANTS

MOST_SEEDS = 150
pytestmark = pytest.mark.timeout(240)  # some need a hundred seeds, on a busy machine too


@pytest.mark.parametrize("name", MUTANTS)
def test_a_protocol_that_is_wrong_in_one_place_is_found_out(name: str) -> None:
    catch = hunt(name, MOST_SEEDS)
    sys.stdout.write(f"{name}: seed {catch.seed} after {catch.tried} seeds: {catch.violation}\n")
    assert catch.seed is not None, f"none of {catch.tried} seeds told it from the right protocol"
