"""Every public function, class and method of the three faces says what it means."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from typing import Any

import pytest

FACES = ("cqworker", "cqworker.client", "cqworker.testing")
CALLED = (staticmethod, classmethod)
READ = (property, cached_property)


def public_members(owner: type) -> Iterator[tuple[str, Any]]:
    """What is written in a class, or in one of ours below it, under a name that anybody may use."""
    for base in owner.__mro__:
        if not base.__module__.startswith("cqworker"):
            continue
        for name, member in vars(base).items():
            if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, CALLED + READ)):
                yield f"{base.__module__}.{base.__qualname__}.{name}", member


def undocumented(face: str) -> Iterator[str]:
    """The dotted names of what the face shows and no docstring explains."""
    module = import_module(face)
    for name in module.__all__:
        shown = getattr(module, name)
        if inspect.isclass(shown):
            if not shown.__doc__ or shown.__doc__.startswith(f"{shown.__name__}("):  # what a dataclass says by itself
                yield f"{face}.{name}"
            yield from (dotted for dotted, member in public_members(shown) if not member.__doc__)
        elif callable(shown) and not shown.__doc__:
            yield f"{face}.{name}"


@pytest.mark.parametrize("face", FACES)
def test_everything_public_on_a_face_has_a_docstring(face: str) -> None:
    assert sorted(set(undocumented(face))) == []


@pytest.mark.parametrize("face", FACES)
def test_a_face_itself_opens_with_its_duty(face: str) -> None:
    assert import_module(face).__doc__


def test_what_has_no_docstring_is_found() -> None:
    class Bare:
        def act(self) -> None: ...

    Bare.__module__ = "cqworker.bare"
    assert [name.rpartition(".")[2] for name, member in public_members(Bare) if not member.__doc__] == ["act"]
