"""The page of the protocol has a row for every write: of what it may be asked, and where it leads."""

from __future__ import annotations

import pytest

from cqworker.model.status import WAITING, Status
from tests.rails.pages import WRITE_ROW, text_of
from tests.rails.source import givers_of, made_in
from tests.rails.transitions import ABSENT, KINDS, asked, begun, permitted


def forestalled() -> set[Status]:
    """What a Forestall leaves is said by whoever makes it."""
    makers = made_in("Forestall")
    return {status for status in Status if makers & {path for path, _ in givers_of("Status", status.name)}}


def rows() -> dict[str, tuple[set[str], set[str]]]:
    """By write: the statuses before and after, as the page has them."""
    section = text_of("protocol.md").partition("## Writes\n")[2].partition("\n## ")[0]
    return {
        name: (set(before.replace("absent", ABSENT).split(", ")), set(after.split(", ")))
        for name, _, before, after in WRITE_ROW.findall(section)
    }


def test_the_page_has_a_row_for_every_write_in_their_order() -> None:
    assert tuple(rows()) == KINDS, "docs/protocol.md, Writes"


def reached(kind: str) -> set[tuple[str, str]]:
    """From which status to which it leads; where its rules take any that was seen, of those that it can meet."""
    pairs = permitted()[kind]
    if kind == "NewRound":  # who may ask decides
        return {(before, after) for before, after in asked()["retry"] if before != after}
    if kind == "HandOver":  # only what waits is ever in the index
        return {(before, after) for before, after in pairs if before in WAITING}
    return pairs


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_names_the_statuses_that_its_write_may_meet(kind: str) -> None:
    assert rows()[kind][0] == {before for before, _ in reached(kind)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_names_the_statuses_that_its_write_leaves_behind(kind: str) -> None:
    after = {after for _, after in reached(kind)}
    if kind == "Enter":
        after = begun()
    elif kind == "Forestall":
        after = set(map(str, forestalled()))
    assert rows()[kind][1] == after
