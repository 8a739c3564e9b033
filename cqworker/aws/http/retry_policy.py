"""When a failed try is followed by another: a budget for all calls, pauses with jitter, a clock that is set once."""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from cqworker.aws import error_table
from cqworker.aws.call_limits import MAX_TRIES
from cqworker.aws.error_translation import row_of

BUDGET = 500
"""Tokens of the SDK's standard mode (AWS SDKs reference guide, "Retry behavior"); so are the costs."""
RETRY_COST = 5
"""Tokens that a retry costs, until a success gives them back."""
TIMEOUT_RETRY_COST = 10
"""Tokens that a retry after a timeout costs."""
FIRST_PAUSES = {
    error_table.BROKEN: 0.05,
    error_table.DESCRIPTORS: 0.05,
    error_table.GARBLED: 0.05,
    error_table.HANDSHAKE: 0.05,
    error_table.NO_ANSWER: 0.05,
    error_table.PROXY_SLOW: 0.05,
    error_table.PROXY_MUTE: 0.05,
    error_table.NO_CONNECTION: 0.05,
    error_table.SERVER: 0.05,
    error_table.UNREACHABLE: 0.05,
    error_table.THROTTLED: 1.0,
}
"""Seconds: the longest pause after the first try, for what another try may mend; it doubles with each."""
MIN_SKEW_SECONDS = 60.0
"""A signature that is refused while the clocks agree better than this is refused for another reason."""


class RetryBudget:
    """How much may still be spent on retries: a service that fails at everything is not asked three times as often."""

    def __init__(self) -> None:
        self._left = BUDGET

    def spend(self, cost: int) -> bool:
        """Takes that much; False where it is not there."""
        if cost > self._left:
            return False
        self._left -= cost
        return True

    def earn(self, amount: int) -> None:
        """A call succeeded: one token comes back, or what its last retry cost."""
        self._left = min(BUDGET, self._left + amount)


class CallTries:
    """The tries of one call: `max_tries` in all."""

    def __init__(self, budget: RetryBudget, max_tries: int = MAX_TRIES) -> None:
        self._budget = budget
        self._max_tries = max_tries
        self._count = 0
        self._spent = 1

    def pause(self, error: Exception) -> float | None:
        """Seconds until the next try after one that ended so; None: there is none."""
        self._count += 1
        longest = FIRST_PAUSES.get(row_of(error))
        cost = TIMEOUT_RETRY_COST if isinstance(error, ConnectTimeoutError | ReadTimeoutError) else RETRY_COST
        if longest is None or self._count >= self._max_tries or not self._budget.spend(cost):
            return None
        self._spent = cost
        return random.random() * longest * 2.0 ** (self._count - 1)

    def succeed(self) -> None:
        """The call was answered."""
        self._budget.earn(self._spent)


def clock_skew_from(error: Exception, now: float) -> float | None:
    """How far the service's clock is ahead of `now` (epoch s), where that may be why it refused a signature."""
    if not isinstance(error, ClientError) or row_of(error) not in (error_table.CLOCK, error_table.SIGNATURE):
        return None
    date = error.response["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
    try:
        there = float(parsedate_to_datetime(str(date)).timestamp())
    except ValueError:
        return None
    return there - now if abs(there - now) > MIN_SKEW_SECONDS else None
