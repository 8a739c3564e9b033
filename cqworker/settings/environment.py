"""The environment: which settings the CQWORKER_* variables give, and which of them are none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches

from cqworker.settings.layers import SettingValue, flatten
from cqworker.settings.schema import PREFIX, node_at, requirement_of, variables

OF_THE_COMMAND_LINE = frozenset({"CQWORKER_URL", "CQWORKER_TOKEN", "CQWORKER_CONFIG"})
"""Variables that are options of commands, and no settings."""
_KUBERNETES_VARIABLE = re.compile(r"CQWORKER_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\d+_.+)")
_KUBERNETES_ADDRESS = re.compile(r"CQWORKER_(.+_)?PORT")


def read_environment(environ: Mapping[str, str]) -> tuple[list[SettingValue], list[str]]:
    """The settings among the variables, and a fault for each variable that looks like one and is none.

    Kubernetes injects variables for each Service of a namespace; those of one called cqworker are passed over
    (Kubernetes documentation, "Service", environment variables).
    """
    values: list[SettingValue] = []
    faults: list[str] = []
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX) or name in OF_THE_COMMAND_LINE:
            continue
        if name not in variables():
            faults += [] if _is_injected(name, text) else [_unknown_variable_fault(name)]
            continue
        path = variables()[name]
        try:
            values += flatten(path, _parse(path, text), name)
        except (ValueError, RecursionError):
            faults.append(f"{name}: must be {requirement_of(path)}, written as JSON{_example(path)}.")
    return values, faults


def _is_injected(name: str, text: str) -> bool:
    return bool(_KUBERNETES_VARIABLE.fullmatch(name) or (_KUBERNETES_ADDRESS.fullmatch(name) and "://" in text))


def _parse(path: tuple[str, ...], text: str) -> object:
    node = node_at(path) or {}
    return json.loads(text) if node.get("type") in ("array", "object") else text


def _example(path: tuple[str, ...]) -> str:
    if path == ("queues",):
        return ', such as [{"name": "cqworker", "dead_letter_queue": "cqworker-dead"}]'
    if path == ("handlers", "types"):
        return ', such as {"text.transform": {"timeout": 10}}'
    if path == ("log", "levels"):
        return ', such as {"acme.orders": "debug"}'
    return ', such as ["…"]'


def _unknown_variable_fault(name: str) -> str:
    for known, path in variables().items():
        if name.startswith(f"{known}__"):
            return f"{name}: {'.'.join(path)} is given as a whole: {known}, written as JSON{_example(path)}."
    known_names = [known.removeprefix(PREFIX) for known in (*variables(), *sorted(OF_THE_COMMAND_LINE))]
    near = get_close_matches(name.removeprefix(PREFIX).upper(), known_names, n=1)
    meant = f"did you mean {PREFIX}{near[0]}?" if near else "`cqworker config show --sources` lists them; unset it."
    return f"{name}: there is no such setting; {meant}"
