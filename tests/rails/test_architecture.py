"""The page of the architecture draws what the model permits, and its floors are those of the import contract."""

from __future__ import annotations

import re
import tomllib

import pytest

from cqworker.model.status import Stage, Status
from tests.rails.pages import ROOT, text_of
from tests.rails.transitions import ABSENT, ACTS, asked, begun, permitted

OF_ATTEMPTS = {"claim": "Claim", "settle": "Settle", "hand back": "HandBack", "hand over": "HandOver"}
"""The writes that labels of the diagram stand for; all their arrows are drawn, between statuses that differ."""
OF_PEOPLE = {"submit": "Enter", "cancel": "Forestall", "retry": "NewRound", "reschedule": "Reschedule"}
"""Labels of what people ask for, and the writes of those."""
OF_TWO_STEPS = {"run now": ("Reschedule", "HandOver")}
"""What people ask for that is two writes, one after the other: their arrows are drawn."""
NOT_DRAWN = {"Reopen": "a claim that comes before the record of its retry", "Lose": "the end of a dead letter"}
"""Writes that change a status and have no label, and why."""


def arrows() -> list[tuple[str, str, str]]:
    """Each arrow of the state diagram: from, to, label; `[*]` where there is no record, or an end."""
    [diagram] = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", text_of("architecture.md"), re.DOTALL)
    return re.findall(r"(\S+) --> (\S+?)(?:: (.+))?\n", diagram)


def test_the_diagram_draws_every_status_in_use_and_no_other() -> None:
    drawn = {status for before, after, _ in arrows() for status in (before, after)} - {"[*]"}
    assert drawn == {status for status in Status if status.stage is not Stage.RESERVED}


def test_the_diagram_ends_where_no_retry_begins() -> None:
    assert {before for before, after, _ in arrows() if after == "[*]"} == {
        status for status in Status if status.stage is Stage.DONE
    }


def test_every_write_that_changes_a_status_has_a_label_or_a_reason_to_have_none() -> None:
    moving = {kind for kind, pairs in permitted().items() if any(before != after for before, after in pairs)}
    labelled = {*OF_ATTEMPTS.values(), *OF_PEOPLE.values()}
    assert moving == labelled | NOT_DRAWN.keys(), "a label for the diagram in docs/architecture.md, or a reason here"
    assert {label for _, after, label in arrows() if after != ABSENT} == OF_ATTEMPTS.keys() | OF_PEOPLE.keys()


@pytest.mark.parametrize("label", OF_ATTEMPTS)
def test_the_arrows_of_attempts_are_those_that_the_rules_permit(label: str) -> None:
    assert drawn(label) == moves(permitted()[OF_ATTEMPTS[label]])


@pytest.mark.parametrize("label", [act for act in ACTS if act not in OF_TWO_STEPS])
def test_the_arrows_of_people_are_what_comes_of_their_asking(label: str) -> None:
    assert drawn(label) == moves(asked()[label])
    assert drawn(label) <= permitted()[OF_PEOPLE[label]]


@pytest.mark.parametrize("act", OF_TWO_STEPS)
def test_what_people_ask_for_in_two_steps_is_one_write_after_the_other(act: str) -> None:
    first, second = (permitted()[kind] for kind in OF_TWO_STEPS[act])
    both = {(before, after) for before, between in first for begins, after in second if begins == between}
    assert moves(asked()[act]) == moves(both)


def test_a_job_begins_in_the_statuses_that_submission_gives_it() -> None:
    assert drawn("submit") == {(ABSENT, status) for status in begun()}


def drawn(label: str) -> set[tuple[str, str]]:
    return {(before, after) for before, after, said in arrows() if said == label}


def moves(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of them from one status to another."""
    return {(before, after) for before, after in pairs if before not in (ABSENT, after)}


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
