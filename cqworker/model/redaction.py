"""Takes secrets (tokens, presigned addresses, AWS's keys) out of texts that somebody else wrote, and cuts the texts."""

from __future__ import annotations

import re

REDACTED = "[redacted]"
"""What stands in the place of a secret."""
MESSAGE_LIMIT = 500
"""Characters of an error's message that a record keeps."""

_WINDOW = 8
"""Times as much as is kept is searched for secrets before the cut: a megabyte must not hold up a loop."""
_QUERY = re.compile(r"\?[^\s\"'<>\\?]+")
_SIGNED = re.compile(r"(?i)x-amz-|signature=")
_KEY = r"(?:secret[-_]?(?:access[-_]?)?key|(?:session|security)[-_]?token)"
SECRET_NAME = re.compile(rf"(?i).*authorization|x[-_]amz[-_].*|.*{_KEY}")
"""Names of fields whose values are never shown."""
_RULES = (
    # an Authorization header, `Name: value` or a quoted pair, with its scheme and SigV4's comma-separated parts
    (re.compile(r"(?i)(authorization(?:[\"'\\]+\s*,|[\"'\\]*\s*[:=])\s*[b(\"'\\]*)[^\"'\\\r\n}]+"), r"\1" + REDACTED),
    # a header or parameter, also after a line break that was written as \n
    (
        re.compile(
            r"(?i)(?:(?<![a-z0-9-])|(?<=\\[nrt]))(x-amz-[a-z0-9-]+(?:[\"'\\]+\s*,|[\"'\\]*\s*[:=])\s*[b(\"'\\]*)"
            r"[^\s\"'\\&,;}]+"
        ),
        r"\1" + REDACTED,
    ),
    # AWS's keys as settings, JSON and XML have them, and the credentials of the SDK as they print themselves
    (
        re.compile(rf"(?i)({_KEY}(?:[\"'\\]+\s*,|[\"'\\]*\s*[:=])\s*[b(\"'\\]*|<{_KEY}>)[^\s\"'\\&,;}}<)]+"),
        r"\1" + REDACTED,
    ),
    (re.compile(r"(ReadOnlyCredentials\()[^)]+"), r"\1" + REDACTED),
    (re.compile(r"(?i)(signature|credential)=[^\s\"'\\&,;}]+"), r"\1=" + REDACTED),
    (re.compile(r"(?i)(bearer\s+)[a-z0-9._~+/=-]+"), r"\1" + REDACTED),
)


def may_hold_secret(line: bytes) -> bool:
    """A quick look at a whole line: False means that nothing in it would be redacted."""
    return _may_hold_secret(line.decode("latin-1").lower())  # text is searched in half the time that bytes take


def _may_hold_secret(low: str) -> bool:
    # spelt out: as a loop it costs a third of rendering a line of the log
    return (
        "authorization" in low
        or "x-amz-" in low
        or "bearer" in low
        or "signature=" in low
        or "secret" in low
        or "session" in low
    )


def redact(text: str) -> str:
    """The text without credentials in headers, bearer tokens, presigned query strings and AWS's secret keys."""
    if not _may_hold_secret(text.lower()):  # or every failure would cost as much as a job
        return text
    text = _QUERY.sub(lambda query: "?" + REDACTED if _SIGNED.search(query[0]) else query[0], text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redacted_start(text: str, limit: int) -> str:
    """The first `limit` characters of the redacted text."""
    return redact(text[: _WINDOW * limit])[:limit]


def redacted_end(text: str, limit: int) -> str:
    """The last `limit` characters of the redacted text; where much goes before them, no word that may be half one."""
    seen = text[-_WINDOW * limit :]
    whole = seen if len(seen) == len(text) else re.sub(r"^\S+", "…", seen)
    return redact(whole)[-limit:]


def redacted_excerpt(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """The start of a text without its secrets: `limit` characters at most, all of which a store can hold."""
    return truncate(redacted_start(text, limit + 1), limit)


def truncate(text: str, limit: int) -> str:
    """The text cut to `limit` characters, all of which a store can hold."""
    fit = storable(text[:limit])
    return fit if len(fit) == len(text) else fit[: limit - 1] + "…"


def storable(text: str) -> str:
    """The text without lone surrogates, which UTF-8 has no bytes for."""
    return text.encode("utf-8", "replace").decode()
