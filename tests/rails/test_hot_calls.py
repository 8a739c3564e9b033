"""What is made for every job is made by calls that the interpreter makes quickly."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2] / "cqworker"
ROOMS = ("model", "flow", "execution")
"""Where each message passes."""
MOST = 30
"""A call whose values and names are more goes through a dict (CPython's compiler, STACK_USE_GUIDELINE): 3 µs, not 1."""
SELDOM = {"_read_carefully": "reads what is no plain message of ours"}
"""Functions that few messages pass, and what they are for."""


def long_calls() -> list[str]:
    found = []
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name not in SELDOM:
                calls = [call for each in function.body for call in ast.walk(each) if isinstance(call, ast.Call)]
                names = [call for call in calls if len(call.args) + 2 * len(call.keywords) > MOST]
                found += [f"{path.relative_to(ROOT)}:{call.lineno} names {len(call.keywords)} fields" for call in names]
    return found


def test_no_call_that_each_job_makes_names_more_than_fifteen_fields() -> None:
    assert long_calls() == []
