"""Every run by its letter, and what it is called with where nobody says otherwise: the full figures."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from tests.chaos.report import Report
from tests.chaos.runs.ambiguity import ambiguity
from tests.chaos.runs.bulk import bulk
from tests.chaos.runs.commit import commit
from tests.chaos.runs.crash import crash
from tests.chaos.runs.due import due, punctual
from tests.chaos.runs.duplicates import duplicates
from tests.chaos.runs.halts import halts
from tests.chaos.runs.keys import keys
from tests.chaos.runs.kill import kill
from tests.chaos.runs.limits import limits
from tests.chaos.runs.outage import outage
from tests.chaos.runs.pause import pause
from tests.chaos.runs.poison import poison
from tests.chaos.runs.priorities import priorities
from tests.chaos.runs.purge import purge
from tests.chaos.runs.rates import rates
from tests.chaos.runs.shutdown import shutdown
from tests.chaos.runs.silence import silence
from tests.chaos.runs.soak import soak

Run = Callable[..., Coroutine[Any, Any, Report]]

RUNS: Mapping[str, Run] = {
    "A": commit,
    "B": kill,
    "C": pause,
    "D": ambiguity,
    "E": outage,
    "F": duplicates,
    "G": keys,
    "H": shutdown,
    "I": poison,
    "K": crash,
    "L": silence,
    "M": purge,
    "N": due,
    "O": punctual,
    "P": bulk,
    "Q": limits,
    "R": priorities,
    "S": halts,
    "T": rates,
    "soak": soak,
}
FULL = tuple(name for name in RUNS if name != "soak")
"""What `make chaos` runs; a soak is asked for by name."""


def sizes_of(run: Run) -> dict[str, int | float]:
    """The sizes of a run that can be changed, with the full figures."""
    parameters = list(inspect.signature(run).parameters.values())[1:]
    return {parameter.name: parameter.default for parameter in parameters}


def named(name: str) -> Run:
    """The run of this letter, or of this name."""
    by_name = {run.__name__: run for run in RUNS.values()}
    run = RUNS.get(name.upper()) or RUNS.get(name) or by_name.get(name)
    if run is None:
        raise KeyError(f"there is no run {name}; there are {', '.join(RUNS)}")
    return run
