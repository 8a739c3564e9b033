"""Every change of a record as one conditional write in DynamoDB's words.

`permits()` and `after()` of the changes are the truth; each update says the same, condition first. A list cannot be
appended to and trimmed in one update (its paths would overlap), so a change that knows the history writes it whole.
"""

from __future__ import annotations

from cqworker.aws.dynamodb import attempt_expressions, operator_expressions, schedule_expressions
from cqworker.aws.dynamodb.conditional_update import ConditionalUpdate, Request
from cqworker.aws.dynamodb.expression_parts import any_of, compare
from cqworker.aws.dynamodb.items import item_of, key_item, number
from cqworker.aws.dynamodb.record_conditions import ABSENT
from cqworker.model.attempt_writes import Claim, HandBack, Renew, Reopen, Settle
from cqworker.model.operator_writes import AskCancel, Enter, Forestall, Lose, NewRound
from cqworker.model.priority_writes import Reprioritise
from cqworker.model.schedule_writes import HandOver, Reschedule
from cqworker.model.writes import Change
from cqworker.ports import KeyItem

KEY_FREE = any_of(ABSENT, compare("expires_at", "<", ":now"))


def put_of(change: Enter) -> Request:
    """The PutItem of a new record."""
    return {"Item": item_of(change.record), "ConditionExpression": ABSENT.expression}


def reservation_of(key: KeyItem, now: int) -> Request:
    """The PutItem of an idempotency key, over one that has run out at `now` (epoch ms)."""
    values = {":now": number(now)}
    return {"Item": key_item(key), "ConditionExpression": KEY_FREE.expression, "ExpressionAttributeValues": values}


def update_of(change: Change) -> Request:
    """The UpdateItem of any change but Enter."""
    return _conditional_update(change).request()


def _conditional_update(change: Change) -> ConditionalUpdate:
    match change:
        case Settle():
            return attempt_expressions.settle(change)
        case Reopen():  # which is a Claim, too
            return attempt_expressions.reopen(change)
        case Claim():
            return attempt_expressions.claim(change)
        case Renew():
            return attempt_expressions.renew(change)
        case HandBack():
            return attempt_expressions.hand_back(change)
        case Forestall():
            return operator_expressions.forestall(change)
        case AskCancel():
            return operator_expressions.ask_cancel(change)
        case NewRound():
            return operator_expressions.new_round(change)
        case Lose():
            return operator_expressions.lose(change)
        case HandOver() | Reschedule() | Reprioritise():
            return schedule_expressions.schedule_update(change)
        case Enter():
            raise TypeError("a new record is put, not updated")
