"""What `make api` does apart from other people's programs: those are fetched and run by the command alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from cqworker.model.status import FailureKind, Status
from tests.generators.languages import LANGUAGES, cached
from tests.generators.payloads import PAYLOADS, hard_description
from tests.generators.running import GeneratorError, ran, silent

DESCRIPTION = orjson.loads((Path(__file__).parents[1] / "golden" / "files" / "openapi.json").read_bytes())
ALONE = {
    "CallView.method": {"GET", "POST"},
    "FailureKind": {kind.value for kind in FailureKind},
    "HandlerView.executor": {"loop", "thread", "process"},
    "HealthView.status": {"healthy", "unhealthy"},
    "JobListView.source": {"index", "workers"},
    "Status": {status.value for status in Status},
}
"""Enumerations that share no word with another: in Go a constant is named api.SUCCEEDED, and api.StatusSUCCEEDED as
soon as a second schema enumerates the word. A parameter refers to the component."""


def every_schema(held: object) -> Iterator[dict[str, Any]]:
    """Whatever in a document is an object, the document too."""
    if isinstance(held, dict):
        yield held
    for inner in held.values() if isinstance(held, dict) else held if isinstance(held, list) else ():
        yield from every_schema(inner)


def test_a_description_with_payloads_of_every_kind_is_valid_and_has_a_schema_for_each() -> None:
    document = orjson.loads(hard_description())
    validate(document, cls=OpenAPIV31SpecValidator)
    schemas = document["components"]["schemas"]
    mapping = schemas["SubmitAsk"]["discriminator"]["mapping"]
    submissions = {name: schemas[there.rpartition("/")[2]] for name, there in mapping.items()}
    assert submissions.keys() == PAYLOADS.keys()
    described = {name: schema["properties"]["payload"] for name, schema in submissions.items()}
    assert [name for name, schema in described.items() if schema == {}] == []
    components = {name: schemas[schema["$ref"].rpartition("/")[2]] for name, schema in described.items()}
    assert [name for name, schema in components.items() if schema == {}] == ["any"]


def test_words_that_generated_clients_have_as_constants_are_no_other_schema_s_too() -> None:
    enumerations = [set(schema["enum"]) for schema in every_schema(DESCRIPTION) if "enum" in schema]
    shared = {
        path: sorted(words & other)
        for path, words in ALONE.items()
        for other in enumerations
        if words & other and words != other
    }
    assert shared == {}
    assert {path: enumerations.count(words) for path, words in ALONE.items()} == dict.fromkeys(ALONE, 1)


def test_a_generator_that_warns_has_failed(tmp_path: Path) -> None:
    silent([sys.executable, "-c", "print('✨ a version')"], tmp_path, besides="✨")
    with pytest.raises(GeneratorError, match="an endpoint was left out"):
        silent([sys.executable, "-c", "print('an endpoint was left out')"], tmp_path, besides="✨")


def test_a_program_that_fails_is_quoted_and_one_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="ended with 3:\nalas"):
        ran([sys.executable, "-c", "print('alas'); raise SystemExit(3)"], tmp_path)
    with pytest.raises(GeneratorError, match=r"no-such-program is not on PATH: make api needs Node\.js"):
        ran(["no-such-program"], tmp_path)


def test_another_lock_is_another_place_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    lock = tmp_path / "lock"
    lock.write_text("one")
    first = cached("go", lock)
    lock.write_text("two")
    assert first.parent == cached("go", lock).parent == tmp_path / "cqworker" / "generators"
    assert first != cached("go", lock)


def test_there_is_a_story_for_each_language() -> None:
    folder = Path(__file__).parent
    assert {file.parent.name for file in folder.glob("*/story.*")} == {one.name.lower() for one in LANGUAGES}
