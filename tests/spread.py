"""Which tests share a process of pytest, and which begin first.

A file stays together, for its fixtures do. Files of `make test` that start daemons share an embedded AWS and a desk;
what takes long begins first, so that nobody waits for it in the end.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ALONE = frozenset(
    "abandoned credential_outage descriptors early_stops foreign full_disk hostile_folder hung_hurry misbehaviour "
    "mixed_versions more_bad_luck plugin remade secrets".split()
)
"""The files of the folder `processes` that `make test-processes` runs: each begins where there is room."""
DEV = ("tests/cli/", "tests/processes/test_readme.py", "tests/client/test_dev.py", "tests/client/test_docs.py")
RAILS = "tests/rails/"
"""They read the whole product's source, which one process does once."""
LONG = (
    "daemons",
    "tests/processes/test_more_bad_luck.py",
    "tests/processes/test_misbehaviour.py",
    "tests/processes/test_early_stops.py",
    "tests/contract/test_store_rules.py",
    "a dev",
    "tests/simulation/test_simulation.py",
    "tests/contract/test_queue_receipts.py",
    "tests/aws/test_lost_answers.py",
    "tests/contract/test_queue_messages.py",
    "tests/packaging/test_release.py",
    "tests/contract/test_store_races.py",
    "tests/aws/test_credentials.py",
    "tests/flow/test_waiting_for_processes.py",
    "tests/flow/test_starvation.py",
    "handlers/tests/test_refusals.py",
    "tests/aws/test_refused_batches.py",
    "tests/flow/test_child_processes.py",
    "tests/flow/test_first_use.py",
    "tests/aws/test_tries.py",
    "tests/children/test_calls.py",
    "tests/children/test_ends.py",
    "tests/aws/test_sqs_address.py",
)


def group_of(nodeid: str) -> str:
    """The name of the group that a test belongs to."""
    path = nodeid.partition("::")[0]
    if path.startswith(DEV):
        return "a dev"
    if path.startswith("tests/processes/"):
        name = path.removeprefix("tests/processes/test_").removesuffix(".py")
        return path if name in ALONE else "daemons"
    if path.startswith(RAILS):
        return RAILS
    return path


class Groups(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist ships no types
    """Hands out groups where pytest-xdist's own loadscope hands out modules."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    """Whatever `--dist` says."""
    return Groups(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts the long ones to the front."""
    rank = {group: place for place, group in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(group_of(item.nodeid), len(LONG)))
