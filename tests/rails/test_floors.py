"""What the import contracts in pyproject.toml cannot say, because it is about names and not about modules."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Collection, Sequence

import pytest

from tests.rails import source
from tests.rails.pages import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = {contract["id"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}
LAYERS = [re.findall(r"\w+", layer) for layer in CONTRACTS["floors"]["layers"]]
FORESEEN = re.findall(
    r"(?m)^\| [^|]+ \| `(\w+)` \| (beside|inside) `(\w+)` \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
)
"""Rooms to come, as CONTRIBUTING lists them: name, beside or inside, which room."""

HANDED_TO_HANDLERS = {"Artifacts"}
"""What `execution` may know of the ports: a job's artifacts, and nothing of its message or its record's store."""


def test_what_runs_handlers_names_neither_queue_nor_store() -> None:
    modules = [tree for path, tree in source.modules().items() if path.startswith("execution/")]
    imports = [node for tree in modules for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    of_ports = {alias.name for node in imports if node.module == "cqworker.ports" for alias in node.names}
    assert of_ports == HANDED_TO_HANDLERS


def misplaced(room: str, where: str, other: str, layers: Sequence[Collection[str]], contracts: Collection[str]) -> str:
    """Why the contracts do not hold a room that was foreseen where it belongs; empty where they do."""
    if where == "inside":
        return "" if room in contracts else f"{room} lacks an import contract of its own, with its name as id"
    return "" if any({room, other} <= set(layer) for layer in layers) else f"{room} belongs beside {other}"


def test_the_growth_that_is_foreseen_has_a_floor() -> None:
    assert {room for room, *_ in FORESEEN} == {"scheduling", "workflows", "admission", "dashboard"}
    assert {other for *_, other in FORESEEN} <= {room for layer in LAYERS for room in layer}


@pytest.mark.parametrize(("room", "where", "other"), FORESEEN)
def test_a_room_that_was_foreseen_stands_on_its_floor(room: str, where: str, other: str) -> None:
    place = ROOT / "cqworker" / other / room if where == "inside" else ROOT / "cqworker" / room
    exists = place.is_dir() or place.with_suffix(".py").exists()
    assert not exists or misplaced(room, where, other, LAYERS, CONTRACTS) == ""


@pytest.mark.parametrize(
    ("where", "layers", "contracts", "why"),
    [
        ("beside", [["worker", "scheduling"]], [], ""),
        ("beside", [["scheduling"], ["worker"]], [], "scheduling belongs beside worker"),
        ("inside", [["worker"]], ["scheduling"], ""),
        ("inside", [["worker"]], [], "scheduling lacks an import contract of its own, with its name as id"),
    ],
)
def test_a_room_on_another_floor_is_found(where: str, layers: list[list[str]], contracts: list[str], why: str) -> None:
    assert misplaced("scheduling", where, "worker", layers, contracts) == why
