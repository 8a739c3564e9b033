"""Limits over HTTP. All tenants share the workers that they hold for: they are for operators of all."""

from __future__ import annotations

from aiohttp import web

from cqworker.errors import LimitRefused
from cqworker.fleet.limit_actions import LimitActions, key_from, limit_key_in
from cqworker.fleet.limit_views import limit_view
from cqworker.jobs.strict_json import read_object
from cqworker.jobs.submission_models import validate
from cqworker.model.limits import LimitOrder, rate_from
from cqworker.model.tenants import DEFAULT_TENANT, EVERY_TENANT
from cqworker.web.app_context import context_of, require
from cqworker.web.auth import caller_of
from cqworker.web.body_reader import json_body
from cqworker.web.fleet_models import QueueAsk, ResumeAsk, ms_of
from cqworker.web.json_response import as_json
from cqworker.web.limit_models import LimitAsk
from cqworker.web.problems import Problem, ProblemKind

MAX_BODY = 4096
"""Bytes of a body that holds a limit and a reason."""


async def list_limits(request: web.Request) -> web.StreamResponse:
    """GET /limits."""
    limits = _limits_for(request)
    return as_json({"limits": [limit_view(standing) for standing in await limits.list()]})


async def show_limit(request: web.Request) -> web.StreamResponse:
    """GET /limits/{key}."""
    limits = _limits_for(request)
    return as_json(limit_view(await limits.show(_key_of(request), _limit_key_of(request))))


async def set_limit(request: web.Request) -> web.StreamResponse:
    """POST /limits/{key}/set."""
    limits, body = _limits_for(request), await json_body(request, MAX_BODY)
    ask = validate(LimitAsk, read_object(body) if body else {})
    try:
        rate = None if ask.rate is None else rate_from(ask.rate)
    except ValueError as error:
        raise Problem(ProblemKind.LIMIT_REFUSED, f"{error}.") from None
    order = LimitOrder(
        concurrency=ask.concurrency,
        rate=rate,
        burst=ask.burst,
        until=_end_of(ask, context_of(request).clock.now()),
        by=caller_of(request).name,
        reason=ask.reason,
        limit_key=_limit_key_of(request),
    )
    return as_json(limit_view(await limits.set(_key_of(request), order)), 202)


async def pause_limit(request: web.Request) -> web.StreamResponse:
    """POST /limits/{key}/pause."""
    limits, body = _limits_for(request), await json_body(request, MAX_BODY)
    ask = validate(QueueAsk, read_object(body) if body else {})
    until = _end_of(ask, context_of(request).clock.now())
    key, limit_key = _key_of(request), _limit_key_of(request)
    standing = await limits.pause(key, until, caller_of(request).name, ask.reason, limit_key)
    return as_json(limit_view(standing), 202)


async def resume_limit(request: web.Request) -> web.StreamResponse:
    """POST /limits/{key}/resume."""
    limits, body = _limits_for(request), await json_body(request, MAX_BODY)
    ask = validate(ResumeAsk, read_object(body) if body else {})
    key, limit_key = _key_of(request), _limit_key_of(request)
    return as_json(limit_view(await limits.lift(key, caller_of(request).name, ask.reason, limit_key)), 202)


def _limits_for(request: web.Request) -> LimitActions:
    """Raises Problem FORBIDDEN for who operates one tenant's jobs: what it is limited to is not its own to say."""
    if caller_of(request).tenant not in (None, EVERY_TENANT):
        detail = f'Limits hold for workers that all tenants share; this takes a token with tenant = "{EVERY_TENANT}".'
        raise Problem(ProblemKind.FORBIDDEN, detail)
    return require(context_of(request).limits)


def _key_of(request: web.Request) -> str:
    """Raises LimitRefused for what is no key, and for a parameter that is none: the key would be another tenant's."""
    if unknown := sorted(set(request.query) - {"tenant"}):
        raise LimitRefused(f"{unknown[0][:40]!a} is no parameter here; there is tenant, whose limit_key it is.")
    return key_from(request.match_info["key"], request.query.get("tenant", DEFAULT_TENANT))


def _limit_key_of(request: web.Request) -> str | None:
    return limit_key_in(request.match_info["key"])


def _end_of(ask: LimitAsk | QueueAsk, now: int) -> int | None:
    """The end in epoch ms; None where none was given. Raises Problem INVALID where two were."""
    if ask.until is not None and ask.lasts is not None:
        raise Problem(ProblemKind.INVALID, "Give either until or for, not both.")
    if ask.until is not None:
        return ms_of(ask.until)
    return None if ask.lasts is None else now + ask.lasts * 1000
