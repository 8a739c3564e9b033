"""How far this machine's clock is from AWS's: leases compare clocks of different hosts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

from cqworker.aws.aws_call import Calls, Declined
from cqworker.aws.doctor.check_result import CheckResult
from cqworker.aws.provision.create_queues import FIND_QUEUE
from cqworker.clock import Clock

WARNING_SECONDS = 2.0
"""Skew that leases begin to feel."""
ERROR_SECONDS = 60.0
"""Skew of a lease's length; AWS itself refuses requests that are five minutes off."""
DATE_ROUNDING_MS = 500
"""The Date header is cut to whole seconds (RFC 9110, 5.6.7): on average it is half of one early."""
FIX = "Let the machine follow a time server (chrony, systemd-timesyncd); `timedatectl` shows whether it does."


async def check_clock(clients: Calls, queue: str, clock: Clock) -> AsyncIterator[CheckResult]:
    """The skew against the Date header of an answer."""
    before = clock.now()
    try:
        answer = await clients.call(FIND_QUEUE, {"QueueName": queue}, f'queue "{queue}"')
    except Declined as declined:
        answer = declined.answer
    here = (before + clock.now()) / 2
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if date is None:
        yield CheckResult("info", "clock", "Not checked: the answers carry no date.", FIX)
        return
    skew = (here - parsedate_to_datetime(date).timestamp() * 1000 - DATE_ROUNDING_MS) / 1000
    what = f"This machine's clock is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} AWS's."
    if abs(skew) > ERROR_SECONDS:
        yield CheckResult("error", "clock", what, FIX)
    elif abs(skew) > WARNING_SECONDS:
        yield CheckResult("warning", "clock", what, FIX)
    else:
        yield CheckResult("ok", "clock", f"Within {WARNING_SECONDS:g} s of AWS's.")
