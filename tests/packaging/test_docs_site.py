"""The site has the pages of the repository, their links lead somewhere, and its reference leaves no public name out."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cqworker
import cqworker.client
import cqworker.testing
from tools import docs_site

ROOT = Path(__file__).parents[2]
PAGES = {"README.md", "CONTRIBUTING.md", "docs/a.md", "docs/more/b.md"}


@pytest.mark.parametrize(
    ("place", "link", "shown"),
    [
        ("README.md", "[a](docs/a.md#top)", "[a](a.md#top)"),
        ("README.md", "[help](CONTRIBUTING.md)", "[help](contributing.md)"),
        ("README.md", "[settings](config/cqworker.toml)", "settings"),
        ("docs/a.md", "[b](more/b.md)", "[b](more/b.md)"),
        ("docs/a.md", "[start](../README.md)", "[start](index.md)"),
        ("docs/more/b.md", "[a](../a.md)", "[a](../a.md)"),
        ("docs/more/b.md", "[start](../../README.md)", "[start](../index.md)"),
        ("docs/a.md", "[gone](gone.md)", "gone"),
        ("docs/a.md", "[below](#below)", "[below](#below)"),
        ("docs/a.md", "[site](https://example.com/x)", "[site](https://example.com/x)"),
        ("README.md", "```md\n[a](docs/a.md)\n```", "```md\n[a](docs/a.md)\n```"),
    ],
)
def test_a_link_leads_to_the_same_page_in_the_site_or_is_its_text(place: str, link: str, shown: str) -> None:
    assert docs_site.relinked(f"before\n\n{link}\n\nafter", place, PAGES) == f"before\n\n{shown}\n\nafter"


def test_every_page_of_the_repository_is_laid_ready_and_nothing_of_before(tmp_path: Path) -> None:
    target = tmp_path / "pages"
    target.mkdir()
    (target / "old.md").touch()
    docs_site.stage(ROOT, target)
    made = {path.relative_to(target).as_posix() for path in target.rglob("*.md")}
    own = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert made == own | {page for name, page in docs_site.BESIDE.items() if (ROOT / name).exists()}


def test_every_public_name_is_in_the_reference_once() -> None:
    pages = (ROOT / "docs" / "reference").glob("*.md")
    said = [name for page in pages for name in re.findall(r"(?m)^::: (\S+)$", page.read_text(encoding="utf-8"))]
    objects = [_object(name) for name in said]
    public = {
        id(getattr(face, name)): f"{face.__name__}.{name}"
        for face in (cqworker.testing, cqworker.client, cqworker)
        for name in face.__all__
    }
    assert sorted(public[one] for one in public.keys() - {id(one) for one in objects}) == []
    assert sorted({name for name, one in zip(said, objects, strict=True) if objects.count(one) > 1}) == []


def _object(name: str) -> object:
    module, _, word = name.rpartition(".")
    return getattr(import_module(module), word)


@pytest.mark.parametrize("record", [cqworker.NewJob, cqworker.Job, cqworker.JobView])
def test_the_reference_shows_the_meaning_of_every_field(record: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    meanings: Any = record.__slots__  # a dictionary, as help() wants it
    members = members_of(record, monkeypatch)
    assert {name: member.docstring for name, member in members.items()} == {name: meanings[name] for name in members}


def test_of_what_describes_a_field_to_programs_the_reference_shows_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    members = members_of(cqworker.JobView, monkeypatch)
    shown = {name: member.value for name, member in members.items() if member.value != "as written"}
    assert shown.items() >= {"job_id": None, "history": None, "payload_ref": "None", "result_ref": "None"}.items()
    assert not shown.keys() & {"type", "created_at"}


def members_of(record: type[Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, SimpleNamespace]:
    """What the extension makes of a record's fields; Griffe, which `make docs` alone has, is what it needs of it."""
    fake = SimpleNamespace(Class=object, Docstring=lambda text, **_: text, Extension=object)
    monkeypatch.setitem(sys.modules, "griffe", fake)
    monkeypatch.delitem(sys.modules, "tools.docs_fields", raising=False)
    extension = import_module("tools.docs_fields").FieldDocs()
    monkeypatch.delitem(sys.modules, "tools.docs_fields")
    [node] = ast.parse(inspect.getsource(record)).body
    names = [name for name in record.__slots__ if not name.startswith("_")]
    members = {name: SimpleNamespace(docstring=None, value="as written") for name in names}
    extension.on_class_members(node=node, cls=SimpleNamespace(members=members))
    return members
