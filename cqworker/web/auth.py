"""Who is asking, and what they may do: bearer tokens, their scopes and tenants."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256

from aiohttp import hdrs, web

from cqworker.enums import SCOPES, Scope
from cqworker.model.tenants import DEFAULT_TENANT
from cqworker.settings import HttpSettings, TokenSettings, is_loopback
from cqworker.web.problems import Kind, Problem

REALM = 'Bearer realm="cqworker"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request; the local operator of a desk without tokens sees every tenant, so theirs is None."""

    name: str
    tenant: str | None
    scopes: frozenset[Scope]

    @property
    def own_tenant(self) -> str:
        """The tenant that new things belong to."""
        return self.tenant or DEFAULT_TENANT


LOCAL = Caller("local", None, frozenset(SCOPES))
CALLER = web.RequestKey("caller", Caller)


class Gate:
    """Lets callers in by their tokens; where none is configured, everybody who comes is the local operator."""

    def __init__(self, settings: HttpSettings) -> None:
        self._tokens = settings.tokens
        self._is_of_this_machine = is_loopback(settings.host)

    def admit(self, request: web.Request, scope: Scope) -> Caller:
        """The caller, who has this scope; raises Problem 401 or 403."""
        caller = self.recognise(request)
        if caller is None:
            raise _unauthenticated(request)
        if scope not in caller.scopes:
            challenge = f'{REALM}, error="insufficient_scope", scope="{scope}"'
            detail = f'The token "{caller.name}" lacks the scope "{scope}" that this call needs.'
            raise Problem(Kind.FORBIDDEN, detail, headers={hdrs.WWW_AUTHENTICATE: challenge})
        return caller

    def recognise(self, request: web.Request) -> Caller | None:
        """The caller behind the request's token, None without a valid one."""
        if not self._tokens:
            return LOCAL
        known = self._known(_presented(request))
        return Caller(known.name, known.tenant, frozenset(known.scopes)) if known else None

    def lets_read(self, request: web.Request) -> bool:
        """Whether what names resources is shown where anybody may ask: to who may read, or comes from this machine.

        A worker without the api role may listen anywhere without tokens, and then nobody who comes is known.
        """
        caller = self.recognise(request)
        if caller is LOCAL:
            return self._is_of_this_machine
        return caller is not None and "read" in caller.scopes

    def _known(self, presented: str | None) -> TokenSettings | None:
        """Compares with every token and takes the same time wherever, and whether, it is found."""
        digest = sha256((presented or "").encode("utf-8", "surrogateescape")).hexdigest()
        found: TokenSettings | None = None
        for token in self._tokens:
            found = token if hmac.compare_digest(digest, token.sha256) else found
        return found if presented else None


GATE = web.AppKey("gate", Gate)


def caller_of(request: web.Request) -> Caller:
    """The caller that the gate admitted."""
    return request[CALLER]


def _presented(request: web.Request) -> str | None:
    values = request.headers.getall(hdrs.AUTHORIZATION, [])
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else None


def _unauthenticated(request: web.Request) -> Problem:
    presented = hdrs.AUTHORIZATION in request.headers
    challenge = f'{REALM}, error="invalid_token"' if presented else REALM
    wrong = "The token is unknown or malformed." if presented else "No token came with the request."
    return Problem(
        Kind.UNAUTHENTICATED,
        f"{wrong} Send it as: Authorization: Bearer <token>",
        headers={hdrs.WWW_AUTHENTICATE: challenge},
    )
