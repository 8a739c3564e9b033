"""Between claim and start: whether the limits that bind a job let it start, and what becomes of it else."""

from __future__ import annotations

from msgspec.structs import replace

from cqworker.admission.rate_admission import Dropped, Later, Limited, RateAdmission
from cqworker.errors import Unavailable
from cqworker.execution.outcome import Hindered, Raised
from cqworker.flow.claim import Claimed
from cqworker.flow.conclusion import Cancelled, Conclusion, HandedBack
from cqworker.flow.context import Context
from cqworker.flow.limit_keys import LimitKeys
from cqworker.flow.settle import Settler
from cqworker.model.history import LIMITED, RATE
from cqworker.model.limits import Limit, LimitTable, shown_key
from cqworker.model.rates import Admitted


class Admission:
    """Asked once a job is claimed, and only while any limit is in force."""

    def __init__(self, context: Context, rates: RateAdmission, keys: LimitKeys, settler: Settler) -> None:
        self._clock = context.clock
        self._rates = rates
        self._keys = keys
        self._settler = settler

    async def limits_on(self, claimed: Claimed, table: LimitTable) -> tuple[tuple[str, Limit], ...] | Conclusion:
        """The limits that bind this job now, by key, in their order; or what is written where its payload has none."""
        keys = await self._keys.keys_of(claimed.record, table)
        if isinstance(keys, tuple):
            return table.limits_of(keys, self._clock.now())
        return await self._settler.conclude(claimed, keys)

    async def admit(self, claimed: Claimed, limits: Limited) -> Conclusion | None:
        """None: it starts. Else what is written in place of a start; its attempt is refunded.

        A moment that comes with a free slot is good however late it comes: no more jobs have one than slots were free.
        """
        moment = _moment_of(claimed)
        if not limits or (moment is not None and claimed.envelope.woken is not None):
            return None
        try:
            verdict = await self._rates.judge(limits, moment)
        except Unavailable as error:
            raised = Raised("Unavailable", error.cause, stage="limits")
            return await self._settler.conclude(claimed, Hindered("its limits could not be asked", raised))
        match verdict:
            case None:
                return None
            case Dropped(key):
                return Cancelled(why=f"{LIMITED} {shown_key(key)}")
            case Later():
                return self._put_off(claimed, verdict)

    def _put_off(self, claimed: Claimed, later: Later) -> HandedBack:
        """A moment that was reserved travels with another message, which comes when it is due."""
        attempt = claimed.record.attempt
        admitted = Admitted(attempt, later.at, later.up_to) if later.reserved else None
        copy = replace(claimed.envelope, at=None, woken=None, admitted=admitted)
        delay = max(0, later.at - self._clock.now()) / 1000
        return HandedBack(RATE, delay, shown_key(later.key), copy=copy if later.reserved else None)


def _moment_of(claimed: Claimed) -> Admitted | None:
    """The moment that its message brings for this very attempt."""
    admitted = claimed.envelope.admitted
    return admitted if admitted is not None and admitted.attempt == claimed.record.attempt else None
