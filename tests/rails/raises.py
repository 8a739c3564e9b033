"""What the endpoint of a call can raise, by the source of `web/` and the docstrings of what that calls on.

A function of `web/` is followed into every function of `web/` that it names, and into methods of `web/` whose name no
other class there has. Of the rest of the product the docstrings count: "Raises JobNotFound, Unavailable."
"""

from __future__ import annotations

import ast
import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from tests.rails.source import modules

Place = tuple[str, str]
"""A module, and a function in it or a method as `Class.method`."""
COLLABORATORS = {
    "operator": ("jobs/operator_actions.py", "OperatorActions"),
    "lists": ("jobs/job_lists.py", "JobLists"),
    "submitter": ("jobs/submit.py", "Submitter"),
    "operations": ("jobs/operation_actions.py", "OperationActions"),
    "fleet": ("fleet/fleet_actions.py", "FleetActions"),
    "limits": ("fleet/limit_actions.py", "LimitActions"),
    "artifacts": ("ports/__init__.py", "Artifacts"),
}
"""What an application hands its endpoints, by the last name of whatever has it."""


def raised_by(endpoint: Callable[..., Any]) -> set[str]:
    """The members of ProblemKind and the names of errors that it can raise, or that its docstrings say are raised."""
    seen: set[Place] = set()
    todo = [(_path_of(endpoint.__module__), inspect.unwrap(endpoint).__name__)]
    while todo:
        if (place := todo.pop()) not in seen:
            seen.add(place)
            todo += _callees(place) if place[0].startswith("web/") else ()
    return {word for place in seen for word in _said(place)}


def _path_of(module: str) -> str:
    return module.removeprefix("cqworker.").replace(".", "/") + ".py"


@cache
def _functions() -> dict[Place, ast.AST]:
    """Every function of a module and every method of a class in it."""
    found: dict[Place, ast.AST] = {}
    for path, tree in modules().items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[path, node.name] = node
            elif isinstance(node, ast.ClassDef):
                methods = (one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
                found |= {(path, f"{node.name}.{method.name}"): method for method in methods}
    return found


@cache
def _docstrings() -> dict[Place, str]:
    """Those of functions; a method's begins with its class's, which may say what all of them raise."""
    found = {place: ast.get_docstring(node) or "" for place, node in _functions().items()}  # type: ignore[arg-type]
    for path, tree in modules().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                shared = ast.get_docstring(node) or ""
                mine = [place for place in found if place[0] == path and place[1].startswith(f"{node.name}.")]
                found |= {place: f"{shared}\n{found[place]}" for place in mine}
    return found


@cache
def _methods_of_web() -> dict[str, list[Place]]:
    found: defaultdict[str, list[Place]] = defaultdict(list)
    for path, name in _functions():
        if path.startswith("web/") and "." in name:
            found[name.partition(".")[2]].append((path, name))
    return found


@cache
def _imports(path: str) -> dict[str, Place]:
    """What the names mean that a module imports from the product."""
    return {
        alias.asname or alias.name: (_path_of(node.module), alias.name)
        for node in ast.walk(modules()[path])
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.startswith("cqworker.")
        for alias in node.names
    }


def _callees(place: Place) -> Iterator[Place]:
    path, function = place
    for node in ast.walk(_functions()[place]):
        if isinstance(node, ast.Name):
            named = _imports(path).get(node.id, (path, node.id))
        elif isinstance(node, ast.Attribute):
            named = _method(path, function, ast.unparse(node.value), node.attr)
        else:
            continue
        if named in _functions():
            yield named


def _method(path: str, function: str, owner: str, name: str) -> Place:
    if owner == "self":
        return path, f"{function.partition('.')[0]}.{name}"
    for word, (module, kind) in COLLABORATORS.items():
        if re.search(rf"\b{word}\)?$", owner):
            return module, f"{kind}.{name}"
    found = _methods_of_web().get(name, [])
    return found[0] if len(found) == 1 else (path, "")


def _said(place: Place) -> Iterator[str]:
    for sentence in re.findall(r"\b[Rr]aises ([^.;]+)", " ".join(_docstrings()[place].split())):
        yield from re.findall(r"\b[A-Z][a-z]\w+", sentence)
    for node in ast.walk(_functions()[place]):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = ast.unparse(node.exc.func)
            made = _functions().get(_imports(place[0]).get(name, (place[0], name)), node.exc)
            kinds = [one.attr for one in ast.walk(made) if ast.unparse(one).startswith("ProblemKind.")]  # type: ignore[attr-defined]
            yield from kinds or [name]
