"""How far this machine's clock is from AWS's: leases compare clocks of different hosts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

from cqworker.aws.aws_call import Calls, Declined
from cqworker.aws.doctor.finding import Finding
from cqworker.aws.provision.create_queues import FIND
from cqworker.clock import Clock

NOTICEABLE = 2.0
GRAVE = 60.0
"""Seconds; AWS itself refuses requests that are five minutes off."""
HALF_A_SECOND = 500
"""The Date header is cut to whole seconds (RFC 9110, 5.6.7): on average it is half of one early, in ms."""
FIX = "Let the machine follow a time server (chrony, systemd-timesyncd); `timedatectl` shows whether it does."


async def clock_findings(clients: Calls, queue: str, clock: Clock) -> AsyncIterator[Finding]:
    """The skew against the Date header of an answer."""
    before = clock.now()
    try:
        answer = await clients.call(FIND, {"QueueName": queue}, f'queue "{queue}"')
    except Declined as declined:
        answer = declined.answer
    here = (before + clock.now()) / 2
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if date is None:
        yield Finding("info", "clock", "Not checked: the answers carry no date.", FIX)
        return
    skew = (here - parsedate_to_datetime(date).timestamp() * 1000 - HALF_A_SECOND) / 1000
    what = f"This machine's clock is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} AWS's."
    if abs(skew) > GRAVE:
        yield Finding("error", "clock", what, FIX)
    elif abs(skew) > NOTICEABLE:
        yield Finding("warning", "clock", what, FIX)
    else:
        yield Finding("ok", "clock", f"Within {NOTICEABLE:g} s of AWS's.")
