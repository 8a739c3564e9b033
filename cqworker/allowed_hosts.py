"""Which requests a server that browsers can reach may serve: by Host header against DNS rebinding, by Origin."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
"""The names of this machine for itself."""
LAST_PORT = 65_535
"""The largest TCP port."""
_authority = re.compile(
    r"(?:\[(?P<six>[0-9a-f.]*:[0-9a-f:.]*)\]|(?P<name>[0-9a-z._-]+))(?::(?P<port>[0-9]{0,5}))?"
).fullmatch
"""`uri-host [ ":" port ]` (RFC 9110, 7.2) without what no name of ours has: userinfo, zones, percent signs."""
_absolute = re.compile(r"https?://([^/?]*)(?:[/?].*)?", re.IGNORECASE | re.DOTALL).fullmatch
"""A target in absolute form (RFC 9112, 3.2.2), and the authority in it."""
_OUR_SITES = frozenset({"same-origin", "none"})
"""What Sec-Fetch-Site says of our own pages, and of what a person typed; another port of this host is `same-site`."""


class RefusalReason(Enum):
    """Why a request is refused."""

    MALFORMED = "malformed"
    MISDIRECTED = "misdirected"
    CROSS_ORIGIN = "cross-origin"


class RequestRefused(Exception):
    """A request is not served; the text says why and is fit for its sender."""

    def __init__(self, reason: RefusalReason, words: str) -> None:
        super().__init__(words)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RequestHeaders:
    """What a request says of where it goes and where it comes from.

    Its target, and all values of three headers: Host, Origin and Sec-Fetch-Site.
    """

    target: str
    hosts: Sequence[str]
    origins: Sequence[str]
    sites: Sequence[str]
    may_lack_host: bool = False
    """As in HTTP/1.0."""


def check_request(request: RequestHeaders, names: Collection[str] | None) -> None:
    """Raises RequestRefused for a request that must not be served.

    `names`, in small letters, are those that the server answers to; None where others reach it by whatever name. On
    loopback another name means DNS rebinding. Anywhere, an Origin or a Sec-Fetch-Site of another site means that a page
    of that site asks, and such pages are served nothing, not even what changes nothing.
    """
    if len(request.hosts) != 1 and not (request.may_lack_host and not request.hosts):
        raise RequestRefused(RefusalReason.MALFORMED, "A request has exactly one Host header (RFC 9112, section 3.2).")
    in_target = _authorities_in(request.target)
    for authority in (*request.hosts, *in_target):
        _check_name(authority, names)
    own = {authority.lower() for authority in in_target or request.hosts}
    if any(_authority_of(origin) not in own for origin in request.origins):
        raise RequestRefused(RefusalReason.CROSS_ORIGIN, "The Origin header names another site than the Host header.")
    if any(site.strip().lower() not in _OUR_SITES for site in request.sites):
        raise RequestRefused(
            RefusalReason.CROSS_ORIGIN, "The Sec-Fetch-Site header says that a page of another site asks."
        )


def _authorities_in(target: str) -> tuple[str, ...]:
    """The authority in a target that names one: it stands above the Host header (RFC 9112, section 3.2.2)."""
    if target.startswith("/") or target == "*":
        return ()
    if (found := _absolute(target)) is None:
        raise RequestRefused(
            RefusalReason.MALFORMED, "The request's target is no path and no http address (RFC 9112, 3.2)."
        )
    return (found[1],)


def _check_name(authority: str, names: Collection[str] | None) -> None:
    name = _name_in(authority)
    if names is not None and name not in names:
        allowed = ", ".join(sorted(names))
        raise RequestRefused(RefusalReason.MISDIRECTED, f"The Host header must name this machine: {allowed}.")
    if name is None:
        raise RequestRefused(
            RefusalReason.MALFORMED, "The Host header is no host with a port at most (RFC 9110, section 7.2)."
        )


def _name_in(authority: str) -> str | None:
    """The host, in small letters; None where it is none, or its port is none."""
    found = _authority(authority.lower())
    if found is None or not 1 <= int(found["port"] or "80") <= LAST_PORT:
        return None
    return found["six"] or found["name"]


def _authority_of(origin: str) -> str | None:
    """The host and port of an origin (RFC 6454, section 6.2); None for `null` and what else is none."""
    scheme, found, authority = origin.lower().partition("://")
    return authority if found and scheme in ("http", "https") and _name_in(authority) is not None else None
