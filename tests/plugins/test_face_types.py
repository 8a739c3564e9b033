"""Whatever can be met in a public signature can be imported from the face, and help() says what it is."""

from __future__ import annotations

import inspect
import pkgutil
import pydoc
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MemberDescriptorType, ModuleType
from typing import Any, get_args, get_type_hints

import pytest
from structlog.typing import FilteringBoundLogger

import cqworker
import cqworker.client
import cqworker.testing
from cqworker.field_docs import document_fields

FACES = (cqworker, cqworker.client, cqworker.testing)
ROOMS = [
    import_module(found.name)
    for found in pkgutil.walk_packages(cqworker.__path__, "cqworker.")
    if found.name.split(".")[1] in ("errors", "client", "testing", "plugins", "ports", "model", "clock", "settings")
]
NAMES = {
    "FilteringBoundLogger": FilteringBoundLogger,
    **{name: value for room in ROOMS for name, value in vars(room).items() if not name.startswith("__")},
}
GIVEN = {"Job", "JobArtifacts", "Client", "FleetClient", "OperationClient"}
"""What nobody makes by its constructor: it is given to a handler or by a client, or made by Client.http() or .aws()."""
SETTINGS = "cqworker.settings"
"""A file's tables: their classes are in cqworker.settings, and a dictionary does for each."""


def public() -> Iterator[tuple[str, Any]]:
    for face in FACES:
        for name in face.__all__:
            yield f"{face.__name__}.{name}", getattr(face, name)


def ours(thing: object) -> bool:
    return str(getattr(thing, "__module__", "")).startswith("cqworker")


def callables(owner: Any) -> Iterator[Any]:
    """The functions that a public thing offers."""
    if inspect.isfunction(owner):
        yield owner
    elif inspect.isclass(owner):
        for name, member in inspect.getmembers_static(owner):
            if name.startswith("_") and (name != "__init__" or owner.__name__ in GIVEN):
                continue
            function = getattr(member, "__func__", getattr(member, "fget", member))
            if inspect.isfunction(function) and ours(function):
                yield function


def types_in(hint: Any) -> Iterator[type]:
    if inspect.isclass(hint) and not get_args(hint):
        yield hint
    for inner in get_args(hint):
        for each in inner if isinstance(inner, list) else [inner]:
            yield from types_in(each)


def met(owner: Any) -> Iterator[type]:
    """The types in the signatures and fields of a public thing, and the errors that its docstrings name."""
    if inspect.isclass(owner) and owner.__module__.startswith(SETTINGS):
        return
    hints = [get_type_hints(inspect.unwrap(function), localns=NAMES) for function in callables(owner)]
    if inspect.isclass(owner):
        hints.append({name: hint for name, hint in _fields(owner).items() if not name.startswith("_")})
    for found in hints:
        for hint in found.values():
            yield from types_in(hint)
    texts = [owner.__doc__, *(function.__doc__ for function in callables(owner))]
    for word in re.findall(r"\b[A-Z]\w+", " ".join(filter(None, texts))):
        thing = NAMES.get(word)
        if inspect.isclass(thing) and issubclass(thing, BaseException):
            yield thing


def _fields(owner: type) -> dict[str, Any]:
    return get_type_hints(owner, localns=NAMES) if ours(owner) else {}


EVERYTHING = dict(public())


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_type_that_can_be_met_is_on_the_face(name: str) -> None:
    reachable = {id(thing) for thing in EVERYTHING.values()}
    hidden = {kind.__qualname__ for kind in met(EVERYTHING[name]) if ours(kind) and id(kind) not in reachable}
    assert hidden == set()


@pytest.mark.parametrize("face", FACES)
def test_the_names_of_a_face_are_sorted_and_all_there(face: ModuleType) -> None:
    assert list(face.__all__) == sorted(face.__all__)
    assert all(hasattr(face, name) for name in face.__all__)


def fields(owner: type) -> set[str]:
    """What an object of the class has that is no method: annotated, or set by its own constructor."""
    names = {name for name in _fields(owner) if not name.startswith("_")}
    made = inspect.unwrap(vars(owner).get("__init__", object.__init__))
    written = inspect.isfunction(made) and Path(made.__code__.co_filename).exists()  # not made by dataclass()
    source = inspect.getsource(made) if written else ""
    names |= set(re.findall(r"^\s+self\.([a-z]\w*)(?:: .*)? = ", source, re.MULTILINE))
    return {name for name in names if isinstance(getattr(owner, name, None), MemberDescriptorType | None)}


def explained(owner: type, name: str) -> bool:
    """In the field's own words, or in those of its class."""
    own = inspect.getdoc(inspect.getattr_static(owner, name, None)) if hasattr(owner, name) else None
    return bool(own) or any(f"`{name}`" in (kind.__doc__ or "") for kind in owner.__mro__)


def sentences(thing: object) -> str:
    return inspect.getdoc(thing) or ""


CLASSES = {name: thing for name, thing in EVERYTHING.items() if inspect.isclass(thing) and ours(thing)}


@pytest.mark.parametrize("name", CLASSES)
def test_help_says_what_a_class_and_each_of_its_fields_is(name: str) -> None:
    owner = CLASSES[name]
    assert sentences(owner)
    if not owner.__module__.startswith(SETTINGS):
        assert {field for field in fields(owner) if not explained(owner, field)} == set()


@pytest.mark.parametrize("name", EVERYTHING)
def test_help_says_what_every_function_and_method_does(name: str) -> None:
    silent = {
        each.__qualname__ for each in callables(EVERYTHING[name]) if not each.__doc__ and each.__name__ != "__init__"
    }
    assert silent == set()


def test_help_of_a_job_shows_its_fields_one_by_one() -> None:
    shown = pydoc.render_doc(cqworker.Job, renderer=pydoc.plaintext)  # type: ignore[attr-defined]
    for field in ("id", "type", "attempt", "max_attempts", "deadline", "metadata", "tags", "tenant", "round", "state"):
        assert re.search(rf"^ \|  {field}\n \|      \w", shown, re.MULTILINE), field


def test_a_description_that_does_not_fit_its_record_is_refused() -> None:
    @dataclass(slots=True)
    class Pair:
        left: int
        right: int

    with pytest.raises(TypeError, match="do not agree on middle, right"):
        document_fields(left="One.", middle="Another.")(Pair)
