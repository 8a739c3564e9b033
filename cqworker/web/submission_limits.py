"""The rate limits of submissions, by token and tenant: charged before a body is read."""

from __future__ import annotations

import math

from aiohttp import web

from cqworker.clock import Clock
from cqworker.events import Emit
from cqworker.jobs.token_bucket import Bucket, Rate, SubmissionRates
from cqworker.model.job_limits import MAX_BATCH
from cqworker.settings import HttpSettings
from cqworker.web.auth import LOCAL, caller_of

SUBMISSION_RATES = web.AppKey("rates", SubmissionRates)


def rates_from(http: HttpSettings, clock: Clock, emit: Emit) -> SubmissionRates:
    """The rates of every token and tenant that has one; a caller without a token is the token "local"."""
    general, rates = http.rates, dict[Bucket, Rate | None]()
    rates["token", LOCAL.name] = _rate(general.token_rate, general.token_burst)
    for token in http.tokens:
        rates["token", token.name] = _rate(token.rate or general.token_rate, token.burst or general.token_burst)
    for tenant in {LOCAL.own_tenant, *(token.tenant for token in http.tokens)}:
        own = general.tenants.get(tenant)
        rate, burst = (own.rate, own.burst) if own is not None else (None, None)
        rates["tenant", tenant] = _rate(rate or general.tenant_rate, burst or general.tenant_burst)
    return SubmissionRates({bucket: rate for bucket, rate in rates.items() if rate is not None}, clock, emit)


def charge_rate(request: web.Request, number: int = 1, *, of: int | None = None) -> None:
    """Charges submissions to the request's caller. Raises RateLimited and MessageTooLarge, as SubmissionRates does."""
    caller = caller_of(request)
    request.app[SUBMISSION_RATES].admit(caller.name, caller.own_tenant, number, of=of)


def _rate(per_second: float | None, burst: int | None) -> Rate | None:
    if per_second is None:
        return None
    return Rate(per_second, burst or max(MAX_BATCH, math.ceil(per_second)))
