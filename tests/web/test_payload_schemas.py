"""What job types ask for, in the description of the API."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from cqworker.plugins.handler import handler
from cqworker.plugins.registry import registry_from
from cqworker.settings import HttpSettings
from cqworker.web.openapi import ApiDocument, DocumentContext
from cqworker.web.routes import ROUTES


class Address(BaseModel):
    street: str = Field(title="Where", default="title")
    title: str


class Parcel(BaseModel):
    model_config = ConfigDict(title="A parcel")

    to: Address
    weight: Decimal
    kind: Literal["letter", "box"] = "letter"


class Tree(BaseModel):
    children: list[Tree]


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Pet(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


class Mixed(Enum):
    WORD = "a"
    NUMBER = 3
    NOTHING = None
    YES = True


class Nowhere(BaseModel):
    model_config = ConfigDict(json_schema_extra={"properties": {"a": {"$ref": "#/components/schemas/JobView"}}})


class Unspeakable(BaseModel):
    model_config = ConfigDict(json_schema_extra={"x": {1, 2}})  # type: ignore[dict-item]


class Renamed(BaseModel):
    model_config = ConfigDict(json_schema_extra={"$id": "https://elsewhere.example/schema", "$anchor": "here"})

    inner: Address


class Shown(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "hello"}]})

    text: str


def taking(payload: Any) -> Callable[..., Any]:
    """A handler of this payload."""

    def handle(payload: Any) -> None:
        """Takes it."""

    handle.__annotations__["payload"] = payload
    return handler(handle)


def described(**payloads: Any) -> dict[str, Any]:
    """The schemas of a description with a type for each of these payloads; `__` in a name stands for a dot."""
    return described_by({name.replace("__", "."): taking(payload) for name, payload in payloads.items()})


def described_by(functions: dict[str, Any]) -> dict[str, Any]:
    registry = registry_from(functions)
    assert set(registry.handlers) == set(functions), registry.broken
    document = ApiDocument(ROUTES, "1", DocumentContext(registry, HttpSettings())).document
    schemas: dict[str, Any] = document["components"]["schemas"]
    return schemas


def fits(schemas: dict[str, Any], name: str, value: object) -> bool:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    return bool(OAS31Validator(schema).is_valid(value))


def test_a_submission_is_told_apart_by_its_type_and_has_that_types_payload() -> None:
    schemas = described(text__transform=Shown, parcel__send=Parcel)
    for ask, ending in (("SubmitAsk", "Submission"), ("BatchJobAsk", "BatchJob")):
        names = {"parcel.send": f"ParcelSend{ending}", "text.transform": f"TextTransform{ending}"}
        mapping = {name: f"#/components/schemas/{there}" for name, there in names.items()}
        assert schemas[ask]["discriminator"] == {"propertyName": "type", "mapping": mapping}
        assert schemas[ask]["oneOf"] == [{"$ref": there} for there in mapping.values()]
        assert schemas[names["text.transform"]]["properties"]["payload"] == {
            "$ref": "#/components/schemas/TextTransformPayload"
        }
    assert fits(schemas, "SubmitAsk", {"type": "text.transform", "payload": {"text": "a"}})
    assert not fits(schemas, "SubmitAsk", {"type": "text.transform", "payload": {"text": 7}})
    assert not fits(schemas, "SubmitAsk", {"type": "parcel.send", "payload": {"text": "a"}})
    assert not fits(schemas, "SubmitAsk", {"type": "nobodys", "payload": {}})
    batch = {"jobs": [{"type": "text.transform", "payload": {"text": "a"}, "idempotency_key": "k"}]}
    assert fits(schemas, "BatchAsk", batch)
    assert schemas["TextTransformSubmission"]["examples"] == [{"type": "text.transform", "payload": {"text": "hello"}}]


def test_what_a_payload_holds_is_named_after_its_type_and_has_no_titles() -> None:
    schemas = described(parcel=Parcel, address=Address)
    assert schemas["ParcelPayload"]["properties"]["to"] == {"$ref": "#/components/schemas/ParcelPayloadAddress"}
    address = schemas["ParcelPayloadAddress"]
    assert address == schemas["AddressPayload"]
    assert address["properties"]["street"] == {"type": "string", "description": 'Else "title".'}
    assert "title" in address["properties"], "a field of that name is no title"
    assert "title" not in schemas["ParcelPayload"]
    assert fits(schemas, "ParcelPayload", {"to": {"title": "x"}, "weight": "1.5"})


def test_a_payload_that_holds_itself_or_one_of_several_is_referred_to_as_it_is() -> None:
    schemas = described(tree=Tree, pet=Pet)
    assert schemas["TreeSubmission"]["properties"]["payload"] == {"$ref": "#/components/schemas/TreePayloadTree"}
    assert fits(schemas, "TreeSubmission", {"type": "tree", "payload": {"children": [{"children": []}]}})
    assert not fits(schemas, "TreeSubmission", {"type": "tree", "payload": {"children": [{"children": 1}]}})
    mapping = schemas["PetPayload"]["properties"]["pet"]["discriminator"]["mapping"]
    assert mapping == {"cat": "#/components/schemas/PetPayloadCat", "dog": "#/components/schemas/PetPayloadDog"}


def test_an_enumeration_of_words_and_numbers_is_one_of_either() -> None:
    schemas = described(mixed=Mixed)
    said = [{"type": "string", "enum": ["a"]}, {"type": "integer", "enum": [3]}, {"type": "null"}]
    assert schemas["MixedPayload"] == {"anyOf": [*said, {"type": "boolean", "enum": [True]}]}
    assert [value for value in ("a", 3, None, True, "b", 1, 4, False) if fits(schemas, "MixedPayload", value)] == [
        "a", 3, None, True,
    ]  # fmt: skip


@pytest.mark.parametrize("payload", [Nowhere, Unspeakable, Annotated[Any, PlainValidator(lambda said: said)], Any])
def test_a_payload_without_a_usable_schema_is_anything_and_the_other_types_are_served(payload: Any) -> None:
    schemas = described(odd=payload, text=Shown)
    assert fits(schemas, "SubmitAsk", {"type": "odd", "payload": [1]})
    assert not fits(schemas, "SubmitAsk", {"type": "text", "payload": [1]})


def test_a_schema_that_names_itself_is_still_found_where_it_is() -> None:
    schemas = described(renamed=Renamed)
    assert not schemas["RenamedPayload"].keys() & {"$id", "$anchor"}
    assert fits(schemas, "RenamedPayload", {"inner": {"title": "x"}})


def test_types_whose_names_are_the_same_words_have_components_of_their_own() -> None:
    names = ["text.transform", "text_transform", "Text-Transform", "1st", "größe", "☃", "ask", "view"]
    schemas = described_by({name: taking(Shown if name == "text_transform" else Address) for name in names})
    mapping = schemas["SubmitAsk"]["discriminator"]["mapping"]
    assert set(mapping) == set(names)
    assert len({there.lower() for there in mapping.values()}) == len(names)
    for name, there in mapping.items():
        model = there.rpartition("/")[2]
        assert model.isascii()
        assert model[0].isalpha()
        assert schemas[model]["properties"]["type"]["const"] == name


def test_without_types_a_submission_is_described_all_the_same() -> None:
    schemas = described_by({})
    assert schemas["SubmitAsk"]["properties"].keys() >= {"type", "payload", "delay_seconds"}
    assert schemas["BatchAsk"]["properties"]["jobs"]["items"] == {"$ref": "#/components/schemas/BatchJobAsk"}


def test_a_type_too_long_to_be_asked_for_is_left_out() -> None:
    mapping = described_by({"x" * 129: taking(Shown), "y" * 128: taking(Shown)})["SubmitAsk"]["discriminator"]
    assert list(mapping["mapping"]) == ["y" * 128]


def test_a_registry_of_broken_plugins_is_described() -> None:
    broken = registry_from({"broken": lambda payload: payload})
    assert broken.broken
    document = ApiDocument(ROUTES, "1", DocumentContext(broken, HttpSettings())).document
    validate(document, cls=OpenAPIV31SpecValidator)
