"""Operations on many jobs as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cqworker.cli.job_text import printable

View = Mapping[str, Any]
MAX_KINDS = 8
"""Kinds of each sort that a preview names; --json has all of them."""
WHY = {
    "not_found": "there are none of these ids",
    "internal": "they are operations",
    "status": "their status does not admit it",
    "unsendable": "their queue takes no message",
}
"""Why a job was left as it is, in words."""


def describe_preview(seen: View) -> Iterator[str]:
    """What it would be done to: how many, of which kinds, and some of them."""
    yield f"{seen['summary']} {'job' if seen['summary'] == '1' else 'jobs'} to {seen['act']}, as of {seen['as_of']}."
    for sort in ("type", "tenant", "release"):
        if kinds := seen["spread"][sort]:
            yield f"  by {sort}: {_kinds(kinds)}"
    for job in seen["samples"]:
        yield printable(f"  {job['job_id']}  {job['status']}  {job['type']}")
    if rest := len(seen["samples"]) and seen["matched"] - len(seen["samples"]):
        yield f"  and {rest:,} more" if not seen["more"] else "  and more"


def describe_operation(operation: View) -> Iterator[str]:
    """Where it stands, and its numbers."""
    yield f"{operation['operation_id']} {operation['act']} {on_what(operation)}: {operation['state']}"
    if operation["stopped_because"]:
        yield printable(f"  because {operation['stopped_because']}")
    why = f": {operation['reason']}" if operation["reason"] else ""
    yield printable(f"  asked for by {operation['by']} at {operation['as_of']}{why}")
    expected = "" if operation["expected"] is None else f" of {operation['expected']:,} expected"
    found, done, changed = (f"{operation[name]:,}" for name in ("matched", "done", "skipped"))
    yield f"  {found} found{expected}, {done} done, {changed} had changed"
    for reason, number in operation["refused"].items():
        yield printable(f"  {number:,} left as they are: {WHY.get(reason, reason)}")
    if operation["looked_to"]:
        yield f"  has come to {operation['looked_to']} in its list"


def row_of(operation: View) -> Sequence[str]:
    """The operation in a table."""
    done, matched = f"{operation['done']:,}", f"{operation['matched']:,}"
    said = (operation["as_of"], operation["operation_id"], operation["act"], operation["state"], done, matched)
    return [printable(cell) for cell in (*said, operation["by"], on_what(operation))]


def on_what(operation: View) -> str:
    """Which jobs it is about."""
    if operation["filter"] is None:
        return f"{operation['named']} by their ids"
    return printable(" ".join(f"{name}={value}" for name, value in operation["filter"].items()))


def _kinds(kinds: Mapping[str, int]) -> str:
    shown = [f"{printable(name or '-')} {number:,}" for name, number in list(kinds.items())[:MAX_KINDS]]
    return ", ".join(shown) + (f" and {len(kinds) - MAX_KINDS} others" if len(kinds) > MAX_KINDS else "")
