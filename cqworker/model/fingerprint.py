"""What failures that are alike have in common, in eight characters."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import PurePath

from msgspec.structs import replace

from cqworker.model.record import Failure

DIGITS = 8
"""Hexadecimal digits of a fingerprint: of 10,000 kinds of failure, two are taken for one in 1 case of 90."""

_FRAME = re.compile(r'^[ |]*File "([^"\n]+)", line \d+, in (\S+)', re.MULTILINE)
"""A frame as Python's traceback module writes it; those of groups have bars before them."""
_STANDARD = re.compile(r"^<frozen |[/\\]lib(?:64)?[/\\]python3[^/\\]*[/\\](?!(?:site|dist)-packages[/\\])")
"""The file of a frame of the standard library."""
_VARYING = (
    (re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]*://\S+"), "<url>"),
    (re.compile(r"(?<!\w)(?:'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`)|“[^”\n]*”|«[^»\n]*»"), "<text>"),
    (re.compile(r"(?<![a-zA-Z0-9])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![a-zA-Z0-9])"), "<hex>"),
    (re.compile(r"(?<![a-zA-Z0-9])0x[0-9a-fA-F]+"), "<hex>"),
    (re.compile(r"(?<![a-zA-Z0-9])(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{6,}(?![a-zA-Z0-9])"), "<hex>"),
    (re.compile(r"\d+"), "<n>"),
)
"""What differs between messages about the same thing, in the order in which it is replaced."""


def with_fingerprint(job_type: str, failure: Failure) -> Failure:
    """The failure of a job of this type with its fingerprint.

    It is made of the type, the failure's kind, the exception's class, the innermost frame outside the standard library
    (without its line, which every release moves), and the message without numbers, addresses and quoted text.
    """
    parts = (job_type, failure.kind, failure.error or "", _frame_of(failure.traceback or ""), _gist_of(failure.message))
    digest = sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
    return replace(failure, fingerprint=digest[:DIGITS])


def _frame_of(traceback: str) -> str:
    """The innermost frame as `module:function`, "" where the text has none of code outside the standard library."""
    frames = [(file, function) for file, function in _FRAME.findall(traceback) if not _STANDARD.search(file)]
    if not frames:
        return ""
    file, function = frames[-1]
    path = PurePath(file)
    return f"{path.parent.name if path.stem == '__init__' else path.stem}:{function}"


def _gist_of(message: str) -> str:
    for pattern, stand_in in _VARYING:
        message = pattern.sub(stand_in, message)
    return message
