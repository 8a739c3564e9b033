"""The product's source as syntax: where it says a name, makes an object, writes a set of words down."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.observe.samples import EVENT_CLASSES

PRODUCT = Path(__file__).parents[2] / "cqworker"
TELLING = {"ending_event", *(kind.__name__ for kind in EVENT_CLASSES)}
"""What is made only to tell of what was done: an event, a word of a history."""


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the product by its path below `cqworker/`."""
    return {
        path.relative_to(PRODUCT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PRODUCT.rglob("*.py"))
    }


def made_in(name: str) -> set[str]:
    """The modules in which something of this name is called."""
    return _callers()[name]


def makers_of(name: str) -> set[tuple[str, str]]:
    """The modules and the functions in which something of this name is called."""
    return {(path, function) for path, function, word, is_call in _words() if word == name and is_call}


def is_used(function: str) -> bool:
    """Whether the product says the name of this function, anywhere but in functions of this name."""
    return any(word == function != within for _, within, word, _ in _words())


@cache
def names_in(path: str) -> frozenset[str]:
    """The names that a module says, of variables and of attributes."""
    return frozenset(word for module, _, word, _ in _words() if module == path)


def givers_of(kind: str, member: str) -> set[tuple[str, str]]:
    """The modules and functions that hand `kind.member` on: as an argument, in what they return or choose between.

    A comparison, a pattern, a key of a table and an event only tell of it.
    """
    return {(path, function) for path, function, said in _given() if said == f"{kind}.{member}"}


@cache
def texts() -> tuple[tuple[str, int, str], ...]:
    """Every text in the code that is no docstring: its module, line and value."""
    return tuple(_texts())


@cache
def collections() -> tuple[tuple[str, int, frozenset[str]], ...]:
    """Every set, list, tuple or Literal of two texts or more: its module, line and texts."""
    return tuple(_collections())


def history_events() -> Iterator[tuple[str, str | None]]:
    """Every entry that is made for a history: its module, and its event where that is spelt out."""
    for path, tree in modules().items():
        imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
        histories = [node for node in imports if node.module == "cqworker.model.history"]
        made_here = any(alias.name == "Entry" for node in histories for alias in node.names)
        for node in ast.walk(tree) if made_here else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Entry":
                event = node.args[1]
                yield path, str(event.value) if isinstance(event, ast.Constant) else None


@cache
def _words() -> tuple[tuple[str, str, str, bool], ...]:
    """Every name that is said: its module, the innermost function around it, itself, and whether it is called."""
    return tuple(word for path, tree in modules().items() for word in _words_below(tree, path, ""))


def _words_below(node: ast.AST, path: str, function: str) -> Iterator[tuple[str, str, str, bool]]:
    called = node.func if isinstance(node, ast.Call) else None
    for child in ast.iter_child_nodes(node):
        name = child.id if isinstance(child, ast.Name) else getattr(child, "attr", None)
        if name is not None:
            yield path, function, name, child is called
        inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
        yield from _words_below(child, path, inside)


@cache
def _given() -> tuple[tuple[str, str, str], ...]:
    """Every member that is handed on: its module, the innermost function around it, and itself."""
    return tuple(found for path, tree in modules().items() for found in _given_below(tree, path, ""))


def _given_below(node: ast.AST, path: str, function: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in TELLING:
        return
    hands_on = isinstance(node, ast.Call | ast.keyword | ast.Return | ast.IfExp | ast.Tuple)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name) and hands_on:
            yield path, function, f"{child.value.id}.{child.attr}"
        if not isinstance(child, ast.Compare | ast.pattern):
            inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
            yield from _given_below(child, path, inside)


def _texts() -> Iterator[tuple[str, int, str]]:
    for path, tree in modules().items():
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in docstrings:
                text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
                yield path, node.lineno, text


def _collections() -> Iterator[tuple[str, int, frozenset[str]]]:
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Set | ast.List | ast.Tuple):
                found = [one.value for one in node.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                if len(found) == len(node.elts) and len(found) > 1:
                    yield path, node.lineno, frozenset(found)


@cache
def _callers() -> defaultdict[str, set[str]]:
    """By name: the modules that call it."""
    called: defaultdict[str, set[str]] = defaultdict(set)
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                called[name].add(path)
    return called
