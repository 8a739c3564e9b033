"""The fleet over HTTP: its workers, and how its queues stand. All tenants share it: it is for operators of all."""

from __future__ import annotations

import re

from aiohttp import web

from cqworker.fleet.fleet_actions import FleetActions
from cqworker.fleet.fleet_counts import MAX_DAYS
from cqworker.fleet.fleet_views import counts_view, queue_view, worker_view
from cqworker.jobs.strict_json import read_object
from cqworker.jobs.submission_models import validate
from cqworker.model.tenants import EVERY_TENANT
from cqworker.ports.fleet import Command
from cqworker.web.app_context import context_of, require
from cqworker.web.auth import caller_of
from cqworker.web.body_reader import json_body
from cqworker.web.fleet_models import QueueAsk, ResumeAsk, ms_of
from cqworker.web.json_response import as_json
from cqworker.web.problems import Problem, ProblemKind

MAX_BODY = 4096
"""Bytes of a body that holds a time and a reason."""
_is_number = re.compile(r"[0-9]{1,2}").fullmatch


async def list_workers(request: web.Request) -> web.StreamResponse:
    """GET /workers."""
    fleet = _fleet_for(request)
    members = await fleet.workers()
    now = context_of(request).clock.now()
    return as_json({"workers": [worker_view(member, now) for member in members]})


async def count_fleet_jobs(request: web.Request) -> web.StreamResponse:
    """GET /workers/counts."""
    fleet = _fleet_for(request)
    return as_json(counts_view(await fleet.counts(_days_of(request))))


async def quiet_worker(request: web.Request) -> web.StreamResponse:
    """POST /workers/{worker}/quiet."""
    return await _order(request, Command.QUIET)


async def resume_worker(request: web.Request) -> web.StreamResponse:
    """POST /workers/{worker}/resume."""
    return await _order(request, Command.RESUME)


async def drain_worker(request: web.Request) -> web.StreamResponse:
    """POST /workers/{worker}/drain."""
    return await _order(request, Command.DRAIN)


async def list_queues(request: web.Request) -> web.StreamResponse:
    """GET /queues."""
    fleet = _fleet_for(request)
    standings = await fleet.queues()
    depth_of = context_of(request).depth_of
    return as_json({"queues": [queue_view(standing, depth_of) for standing in standings]})


async def pause_queue(request: web.Request) -> web.StreamResponse:
    """POST /queues/{queue}/pause."""
    fleet, ask = _fleet_for(request), await _read_ask(request)
    until = _end_of(ask, context_of(request).clock.now())
    standing = await fleet.pause(_queue_of(request), until, caller_of(request).name, ask.reason)
    return as_json(queue_view(standing, context_of(request).depth_of), 202)


async def drain_queue(request: web.Request) -> web.StreamResponse:
    """POST /queues/{queue}/drain."""
    fleet, ask = _fleet_for(request), await _read_ask(request)
    until = _end_of(ask, context_of(request).clock.now())
    standing = await fleet.drain(_queue_of(request), until, caller_of(request).name, ask.reason)
    return as_json(queue_view(standing, context_of(request).depth_of), 202)


async def resume_queue(request: web.Request) -> web.StreamResponse:
    """POST /queues/{queue}/resume."""
    fleet = _fleet_for(request)
    body = await json_body(request, MAX_BODY)
    ask = validate(ResumeAsk, read_object(body) if body else {})
    standing = await fleet.resume(_queue_of(request), caller_of(request).name, ask.reason)
    return as_json(queue_view(standing, context_of(request).depth_of), 202)


async def _order(request: web.Request, command: Command) -> web.StreamResponse:
    fleet = _fleet_for(request)
    member = await fleet.order(request.match_info["worker"], command, caller_of(request).name)
    return as_json(worker_view(member, context_of(request).clock.now()), 202)


def _fleet_for(request: web.Request) -> FleetActions:
    """Raises Problem FORBIDDEN for who operates one tenant's jobs: a pause would stop all the others'."""
    if caller_of(request).tenant not in (None, EVERY_TENANT):
        detail = f'Workers and queues are shared by all tenants; this takes a token with tenant = "{EVERY_TENANT}".'
        raise Problem(ProblemKind.FORBIDDEN, detail)
    return require(context_of(request).fleet)


async def _read_ask(request: web.Request) -> QueueAsk:
    body = await json_body(request, MAX_BODY)
    return validate(QueueAsk, read_object(body) if body else {})


def _end_of(ask: QueueAsk, now: int) -> int | None:
    """The end in epoch ms; None where none was given. Raises Problem INVALID where two were."""
    if ask.until is not None and ask.lasts is not None:
        raise Problem(ProblemKind.INVALID, "Give either until or for, not both.")
    if ask.until is not None:
        return ms_of(ask.until)
    return None if ask.lasts is None else now + ask.lasts * 1000


def _days_of(request: web.Request) -> int:
    """Raises Problem MALFORMED."""
    values = request.query.getall("days", ["1"])
    days = int(values[0]) if len(values) == 1 and _is_number(values[0]) else 0
    if not 1 <= days <= MAX_DAYS:
        detail = f"days must be one whole number from 1 to {MAX_DAYS}, as in ?days=7."
        raise Problem(ProblemKind.MALFORMED, detail)
    return days


def _queue_of(request: web.Request) -> str:
    return request.match_info["queue"]
