"""A body takes the fields of a record as they stand in its JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from cqworker.model.public_job import LEFT_OUT, PART
from cqworker.web.record_fields import take_fields


@dataclass
class Berth:
    """A record that another holds."""

    number: int


@dataclass
class Ship:
    """A record with a field of every kind."""

    name: str = field(metadata={"min_length": 2, "description": "As painted."})
    kind: str
    mast: int = field(metadata={PART: "rig"})
    berths: tuple[Berth, ...]
    captain: str | None = None
    tow: str | None = field(default=None, metadata={LEFT_OUT: True})


@take_fields(Berth)
class BerthBody(BaseModel):
    """A berth."""


@take_fields(Ship, part="rig")
class Rig(BaseModel):
    """What a ship carries."""


@take_fields(Ship, Berth=BerthBody)
class ShipBody(BaseModel):
    """A ship."""

    rig: Rig
    kind: bool


SHIP: dict[str, Any] = {"name": "Ada", "kind": True, "berths": [{"number": 1}], "captain": None, "rig": {"mast": 2}}


def test_a_body_has_the_fields_of_its_record_then_its_own() -> None:
    assert list(ShipBody.model_fields) == ["name", "kind", "berths", "captain", "tow", "rig"]
    assert (ShipBody.__name__, ShipBody.__doc__, ShipBody.__module__) == ("ShipBody", "A ship.", __name__)
    assert ShipBody.model_fields["name"].description == "As painted."


def test_a_part_has_the_fields_that_stand_in_it() -> None:
    assert list(Rig.model_fields) == ["mast"]


def test_a_record_within_a_record_is_described_by_its_body() -> None:
    schema = ShipBody.model_json_schema()
    assert schema["properties"]["berths"]["items"] == {"$ref": "#/$defs/BerthBody"}


def test_what_fits_a_record_as_json_fits_its_body() -> None:
    assert ShipBody.model_validate(SHIP).model_dump(exclude_unset=True) == SHIP | {"berths": ({"number": 1},)}
    ShipBody.model_validate(SHIP | {"tow": "Eve"})


@pytest.mark.parametrize(
    ("change", "field"),
    [({"name": "A"}, "name"), ({"kind": "sloop"}, "kind"), ({"tow": None}, "tow"), ({"captain": 7}, "captain")],
)
def test_limits_types_and_what_is_never_null_are_kept(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError, match=rf"1 validation error for ShipBody\n{field}\n"):
        ShipBody.model_validate(SHIP | change)


@pytest.mark.parametrize("name", SHIP)
def test_a_default_is_for_older_daemons_and_lets_nobody_leave_a_field_out(name: str) -> None:
    with pytest.raises(ValidationError, match=rf"{name}\n  Field required"):
        ShipBody.model_validate({key: value for key, value in SHIP.items() if key != name})
