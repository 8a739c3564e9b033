"""Who sends a request, by its bearer token (RFC 6750); what they may do, and how often they may submit."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256

from aiohttp import hdrs, web

from cqworker.enums import SCOPES, Scope
from cqworker.jobs.token_bucket import SubmissionRates
from cqworker.model.tenants import DEFAULT_TENANT
from cqworker.settings import HttpSettings, TokenSettings, is_loopback
from cqworker.web.problems import Problem, ProblemKind

REALM = 'Bearer realm="cqworker"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request; `tenant` is None for who sees all of them: without configured tokens the local operator."""

    name: str
    tenant: str | None
    scopes: frozenset[Scope]

    @property
    def own_tenant(self) -> str:
        """The tenant that new things belong to."""
        return self.tenant or DEFAULT_TENANT


LOCAL = Caller("local", None, frozenset(SCOPES))
CALLER = web.RequestKey("caller", Caller)


class Authenticator:
    """Authenticates callers by their tokens; where none is configured, every caller is the local operator."""

    def __init__(self, settings: HttpSettings) -> None:
        self._tokens = settings.tokens
        self._is_of_this_machine = is_loopback(settings.host)

    def authorize(self, request: web.Request, scope: Scope) -> Caller:
        """The caller, who has this scope. Raises Problem 401 or 403."""
        caller = self.authenticate(request)
        if caller is None:
            raise _unauthenticated_problem(request)
        if scope not in caller.scopes:
            challenge = f'{REALM}, error="insufficient_scope", scope="{scope}"'
            detail = f'The token "{caller.name}" lacks the scope "{scope}" that this call needs.'
            raise Problem(ProblemKind.FORBIDDEN, detail, headers={hdrs.WWW_AUTHENTICATE: challenge})
        return caller

    def authenticate(self, request: web.Request) -> Caller | None:
        """The caller by the request's token; None without a valid one."""
        if not self._tokens:
            return LOCAL
        known = self._find_token(_bearer_token(request))
        return Caller(known.name, known.seen_tenant, frozenset(known.scopes)) if known else None

    def may_read(self, request: web.Request) -> bool:
        """Whether what names resources is shown where anybody may ask: to who may read, or comes from this machine.

        A worker without the api role may listen anywhere without tokens, and then no caller is known.
        """
        caller = self.authenticate(request)
        if caller is LOCAL:
            return self._is_of_this_machine
        return caller is not None and "read" in caller.scopes

    def _find_token(self, token_text: str | None) -> TokenSettings | None:
        """Compares with every token, so that the time tells nothing of whether and where it is found."""
        digest = sha256((token_text or "").encode("utf-8", "surrogateescape")).hexdigest()
        found: TokenSettings | None = None
        for token in self._tokens:
            found = token if hmac.compare_digest(digest, token.sha256) else found
        return found if token_text else None


AUTHENTICATOR = web.AppKey("authenticator", Authenticator)
SUBMISSION_RATES = web.AppKey("submission_rates", SubmissionRates)


def caller_of(request: web.Request) -> Caller:
    """The caller that was authorized for the request."""
    return request[CALLER]


def charge_rate(request: web.Request, number: int = 1, *, of: int | None = None) -> None:
    """Counts submissions against the rate limits of the caller's token and tenant; `of` is the whole request's number.

    Raises RateLimited where a limit is reached, and MessageTooLarge where so many can never be sent at once.
    """
    caller = caller_of(request)
    request.app[SUBMISSION_RATES].admit(caller.name, caller.own_tenant, number, of=of)


def charge_later(request: web.Request, number: int) -> None:
    """Counts submissions for later than in 15 minutes against the rate of the caller's tenant; raises as the other."""
    request.app[SUBMISSION_RATES].admit_later(caller_of(request).own_tenant, number)


def _bearer_token(request: web.Request) -> str | None:
    values = request.headers.getall(hdrs.AUTHORIZATION, [])
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else None


def _unauthenticated_problem(request: web.Request) -> Problem:
    token_text = hdrs.AUTHORIZATION in request.headers
    challenge = f'{REALM}, error="invalid_token"' if token_text else REALM
    wrong = "The token is unknown or malformed." if token_text else "No token came with the request."
    return Problem(
        ProblemKind.UNAUTHENTICATED,
        f"{wrong} Send it as: Authorization: Bearer <token>",
        headers={hdrs.WWW_AUTHENTICATE: challenge},
    )
