"""The indexes of the table: their keys, what they show, and what is refused while one is not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

DUE_INDEX = "due"
LISTING_INDEX = "listing"
DAY_INDEX = "day"


@dataclass(frozen=True, slots=True)
class TableIndex:
    """A global secondary index; a record is in it that has both its keys, a partition's (a string) and a place's.

    `shows` are the attributes that it holds beside all keys, `serves` says what for, `without` what is refused until it
    is there.
    """

    name: str
    partition: str
    place: str
    place_type: Literal["S", "N"]
    serves: str
    without: str
    shows: tuple[str, ...] = ()

    @property
    def key_schema(self) -> list[dict[str, str]]:
        """As CreateTable and UpdateTable take it."""
        return [
            {"AttributeName": self.partition, "KeyType": "HASH"},
            {"AttributeName": self.place, "KeyType": "RANGE"},
        ]

    @property
    def key_types(self) -> dict[str, str]:
        """The type of each key, by its name."""
        return {self.partition: "S", self.place: self.place_type}

    @property
    def projection(self) -> dict[str, Any]:
        """As CreateTable and UpdateTable take it."""
        if not self.shows:
            return {"ProjectionType": "KEYS_ONLY"}
        return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(self.shows)}

    @property
    def definition(self) -> dict[str, Any]:
        """The index as CreateTable takes it for a table that is paid per request."""
        return {"IndexName": self.name, "KeySchema": self.key_schema, "Projection": self.projection}

    def is_shaped_as(self, found: Mapping[str, Any], types: Mapping[str, str]) -> bool:
        """Whether an index as DescribeTable shows it has these keys and holds all of `shows`; `types` by attribute."""
        keys = {(key["AttributeName"], key["KeyType"]) for key in found.get("KeySchema", ())}
        wanted = {(key["AttributeName"], key["KeyType"]) for key in self.key_schema}
        projection = found.get("Projection", {})
        holds_all = projection.get("ProjectionType") == "ALL" or set(self.shows) <= {
            *projection.get("NonKeyAttributes", ())
        }
        return keys == wanted and all(types.get(name) == kind for name, kind in self.key_types.items()) and holds_all


DUE = TableIndex(
    name=DUE_INDEX,
    partition="due",
    place="scheduled_at",
    place_type="N",
    serves="jobs that are due later",
    without="run_at, delays of more than 15 minutes, and rescheduling",
)
LISTING = TableIndex(
    name=LISTING_INDEX,
    partition="listing",
    place="listed",
    place_type="S",
    serves="lists of jobs that failed",
    without="GET /jobs and `cqworker jobs list`",
    shows=("type", "tenant", "queue", "attempt", "kind", "fingerprint", "worker", "release"),
)
DAY = TableIndex(
    name=DAY_INDEX,
    partition="day",
    place="created_at",
    place_type="N",
    serves="lists of jobs in every status",
    without="lists of jobs that wait, run or succeeded, such as status=QUEUED",
)


def wanted_indexes(*, list_all: bool) -> tuple[TableIndex, ...]:
    """What the table has to have; `list_all` is the setting of this name in `[store]`."""
    return (DUE, LISTING, DAY) if list_all else (DUE, LISTING)


def definitions_of(table: Mapping[str, Any]) -> dict[str, str]:
    """The type of each attribute that is a key of the table or of an index, as DescribeTable shows them."""
    return {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}


def attribute_definitions(types: Mapping[str, str]) -> list[dict[str, str]]:
    """As CreateTable and UpdateTable take them."""
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def index_in(table: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """The index of this name, as DescribeTable shows it; None where the table has none or is deleting it."""
    for found in table.get("GlobalSecondaryIndexes") or ():
        if found["IndexName"] == name and found.get("IndexStatus") != "DELETING":
            return dict(found)
    return None
