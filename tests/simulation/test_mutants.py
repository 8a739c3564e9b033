"""The simulation can fail: it tells a protocol wrong in one place from the right one (`make simulate`: each)."""

from __future__ import annotations

import pytest

from tests.simulation.campaign import hunt
from tests.simulation.mutants import MUTANTS
from tests.simulation.run import simulate

MOST_SEEDS = 20
QUICK = ("no fence in settle", "delete before settle", "only the receipt is renewed")
pytestmark = pytest.mark.timeout(240)  # on a busy machine too


@pytest.mark.parametrize("name", QUICK)
def test_a_wrong_protocol_is_found_out_by_a_seed_that_has_nothing_against_the_right_one(name: str) -> None:
    assert name in MUTANTS
    catch = hunt(name, MOST_SEEDS)
    assert catch.seed is not None, f"none of {catch.tried} seeds told it from the right protocol"
    assert simulate(catch.seed, hasty=True).violations == ()
