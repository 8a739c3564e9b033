"""A slice of the simulation for every test run; `make simulate SEEDS=2000` looks further."""

from __future__ import annotations

import pytest

from tests.simulation.campaign import campaign, hunt
from tests.simulation.mutants import MUTANTS
from tests.simulation.run import simulate

SLICE = range(1, 41)
MOST_SEEDS = 100


def test_no_seed_of_the_slice_breaks_a_promise() -> None:
    broken = [(report.seed, report.violations) for report in campaign(SLICE, jobs=1) if report.violations]
    assert not broken


def test_a_seed_decides_everything_that_happens() -> None:
    assert simulate(7, whole_trace=True).digest == simulate(7, whole_trace=True).digest


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_protocol_that_is_wrong_in_one_place_is_found_out(name: str) -> None:
    catch = hunt(name, MOST_SEEDS)
    assert catch.seed is not None, f"no seed of {MOST_SEEDS} told {name!r} from the right protocol"
