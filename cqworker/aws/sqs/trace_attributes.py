"""Trace context on a message: W3C's traceparent, and X-Ray's header that says the same to AWS."""

from __future__ import annotations

import re

from cqworker.model.trace import parse_traceparent

_ROOT = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})", re.ASCII)
_PARENT = re.compile(r"[0-9a-f]{16}", re.ASCII)


def is_traceparent(value: str) -> bool:
    """Whether it is a traceparent as W3C Trace Context (section 3.2) writes it; all zeros are none."""
    return parse_traceparent(value) is not None


def xray_header(traceparent: str) -> str:
    """The same trace as the system attribute AWSTraceHeader (AWS X-Ray developer guide, tracing header)."""
    _, trace, parent, flags = traceparent.split("-")
    return f"Root=1-{trace[:8]}-{trace[8:]};Parent={parent};Sampled={int(flags, 16) & 1}"


def traceparent_from(header: str) -> str | None:
    """The trace of an X-Ray header; None where it names no parent, or is none."""
    fields = dict(part.strip().split("=", 1) for part in header.split(";") if "=" in part)
    root, parent = _ROOT.fullmatch(fields.get("Root", "")), _PARENT.fullmatch(fields.get("Parent", ""))
    if root is None or parent is None:
        return None
    value = f"00-{root[1]}{root[2]}-{parent[0]}-{'01' if fields.get('Sampled') == '1' else '00'}"
    return value if is_traceparent(value) else None
