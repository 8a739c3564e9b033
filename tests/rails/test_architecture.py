"""The page of the architecture draws what the model permits, and its floors are those of the import contract."""

from __future__ import annotations

import re
import tomllib
from functools import cache

import pytest

from cqworker.model.status import Stage, Status
from tests.contract.cases import cases
from tests.rails.pages import ROOT, text_of

SEED, OF_EACH = 1, 500
WRITES = {
    "submit": ("Enter",),
    "claim": ("Claim",),
    "settle": ("Settle",),
    "hand back": ("HandBack",),
    "cancel": ("Forestall",),
    "retry": ("NewRound",),
}
"""The writes that the labels of the diagram stand for."""
COMPLETE = ("claim", "settle", "hand back")
"""Labels whose arrows are all drawn, between statuses that differ."""


def arrows() -> list[tuple[str, str, str]]:
    """Each arrow of the state diagram: from, to, label; `[*]` where there is no record, or an end."""
    [diagram] = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", text_of("architecture.md"), re.DOTALL)
    return re.findall(r"(\S+) --> (\S+?)(?:: (.+))?\n", diagram)


@cache
def permitted() -> dict[str, set[tuple[str, str]]]:
    """From which status to which each kind of write leads, by the model's own rules."""
    pairs: dict[str, set[tuple[str, str]]] = {}
    for case in cases(SEED, OF_EACH):
        if case.permitted:
            before = str(case.seen.status) if case.seen else "[*]"
            pairs.setdefault(case.kind, set()).add((before, str(case.change.after(case.seen).status)))
    return pairs


def test_the_diagram_draws_every_status_in_use_and_no_other() -> None:
    drawn = {status for before, after, _ in arrows() for status in (before, after)} - {"[*]"}
    assert drawn == {status for status in Status if status.stage is not Stage.RESERVED}


def test_the_diagram_ends_where_no_retry_begins() -> None:
    assert {before for before, after, _ in arrows() if after == "[*]"} == {
        status for status in Status if status.stage is Stage.DONE
    }


@pytest.mark.parametrize(("before", "after", "label"), [arrow for arrow in arrows() if arrow[1] != "[*]"])
def test_every_arrow_is_a_write_that_the_model_permits(before: str, after: str, label: str) -> None:
    assert any((before, after) in permitted()[kind] for kind in WRITES[label])


@pytest.mark.parametrize("label", COMPLETE)
def test_no_arrow_of_an_attempt_is_left_out(label: str) -> None:
    drawn = {(before, after) for before, after, said in arrows() if said == label}
    known = {pair for kind in WRITES[label] for pair in permitted()[kind] if pair[0] not in ("[*]", pair[1])}
    assert drawn == known


def test_the_floors_are_those_of_the_import_contract() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = declared["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["id"] == "floors"]
    top = len(layers) - 1
    wanted = [f"| {top - number} | {_rooms(layer)} |" for number, layer in enumerate(layers)]
    stated = re.findall(r"(?m)^(\| \d+ \| .+? \|)", text_of("architecture.md"))
    assert stated == wanted, "write these rows into docs/architecture.md:\n" + "\n".join(wanted)


def _rooms(layer: str) -> str:
    """A layer as the page writes it: a colon where its rooms may import one another, else a comma."""
    between = " : " if ":" in layer else ", "
    return between.join(f"`{room.strip()}`" for room in re.split(r"[|:]", layer))
