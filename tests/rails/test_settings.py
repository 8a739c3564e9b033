"""A setting is read by the daemon, and not only written down, shown and checked."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import pytest

from cqworker.settings import Settings
from cqworker.settings.section import Section
from tests.rails.source import modules

ONLY_LOOK = ("settings/", "cli/", "aws/doctor/")
"""Where settings are described, shown and judged, and nothing is done by them."""
SAME = {"enumerate", "iter", "list", "next", "sorted", "tuple", "zip"}
"""Functions that give what they are given."""
Holders = defaultdict[str, set[str]]
"""The names in a module that stand for settings, and for which sections."""


def sections(above: type[Section] = Section) -> Iterator[type[Section]]:
    """Every class of settings that there is."""
    for section in above.__subclasses__():
        yield section
        yield from sections(section)


SECTIONS = {section.__name__: section for section in sections()}
FIELDS = [(name, field) for name, section in SECTIONS.items() for field in section.model_fields]


@cache
def read_by_the_daemon() -> frozenset[tuple[str, str]]:
    """What is read of which section, and what is read by those functions of the settings that are called."""
    trees = [tree for path, tree in modules().items() if not path.startswith(ONLY_LOOK)]
    found = {read for tree in trees for read in _reads_in(tree)}
    imports = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    called = {alias.name for node in imports for alias in node.names} | {name for _, name in found}
    for path, tree in modules().items():
        for node in ast.walk(tree) if path.startswith("settings/") else ():
            if isinstance(node, ast.FunctionDef) and node.name in called:
                found |= set(_reads_in(ast.Module([node], [])))
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef) and (node.name, method.name) in found:
                        read = (one for one in ast.walk(method) if ast.unparse(one).startswith("self."))
                        found |= {(node.name, _name_of(one)) for one in read}
    return frozenset(found)


def _reads_in(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The section and the name, of whatever is annotated as a section or taken from one."""
    holders = Holders(set)
    for node in ast.walk(tree):
        holders[_name_of(node)] |= _annotated(node)
    del holders[""]
    if not holders.get("settings"):
        holders["settings"] = {Settings.__name__}
    while _take(tree, holders):
        pass
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield from ((kind, node.attr) for kind in _kinds_of(node.value, holders))


def _annotated(node: ast.AST) -> set[str]:
    """The sections that an annotation of it names."""
    annotation = node.returns if isinstance(node, ast.FunctionDef) else getattr(node, "annotation", None)
    return _named_in(ast.unparse(annotation)) if annotation is not None else set()


def _named_in(annotation: str) -> set[str]:
    return {name for name in SECTIONS if re.search(rf"\b{name}\b", annotation)}


def _take(tree: ast.Module, holders: Holders) -> bool:
    """Notes what is given its value out of settings, by an assignment or in a loop; whether that is new."""
    is_new = False
    for node in ast.walk(tree):
        source = node.iter if isinstance(node, ast.For | ast.comprehension) else getattr(node, "value", None)
        if isinstance(node, ast.Assign | ast.NamedExpr | ast.For | ast.comprehension) and source is not None:
            kinds = set[str]().union(*_parts(source, holders))
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for name in map(_name_of, target.elts if isinstance(target, ast.Tuple) else [target]):
                    is_new |= bool(name) and not kinds <= holders[name]
                    holders[name] |= kinds
    return is_new


def _parts(node: ast.AST, holders: Holders) -> Iterator[set[str]]:
    """The sections that an expression may be or hold; what a function gives is no part of what it is given."""
    if kinds := _kinds_of(node, holders):
        yield kinds
        return
    for child in ast.iter_child_nodes(node):
        if not isinstance(node, ast.Call) or child is node.func or _name_of(node.func) in SAME:
            yield from _parts(child, holders)


def _kinds_of(node: ast.AST, holders: Holders) -> set[str]:
    if not isinstance(node, ast.Attribute):
        return holders.get(_name_of(node), set()) if isinstance(node, ast.Name) else set()
    fields = (SECTIONS[kind].model_fields.get(node.attr) for kind in _kinds_of(node.value, holders))
    inner = set[str]().union(*(_named_in(str(field.annotation)) for field in fields if field is not None))
    return inner or holders.get(node.attr, set())


def _name_of(node: ast.AST) -> str:
    """The last name of a variable, an attribute, a parameter, a function or what an annotation is for."""
    for field in ("id", "attr", "arg", "name"):
        if isinstance(name := getattr(node, field, None), str):
            return name
    return _name_of(node.target) if isinstance(node, ast.AnnAssign) else ""


@pytest.mark.parametrize(("section", "name"), FIELDS)
def test_every_setting_is_read_by_the_daemon(section: str, name: str) -> None:
    assert (section, name) in read_by_the_daemon(), f"nothing in cqworker does anything by {name} of {section}"
