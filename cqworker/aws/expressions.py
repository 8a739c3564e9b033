"""Every change of a record as one conditional write in DynamoDB's words.

`permits()` and `after()` of the changes are the truth; each form says the same, condition first. A list cannot be
appended to and trimmed in one update (its paths would overlap), so a change that knows the history writes it whole.
"""

from __future__ import annotations

from cqworker.aws import attempt_forms, intervention_forms
from cqworker.aws.phrases import ABSENT, Form, Request
from cqworker.aws.wire import item_of, key_item, number
from cqworker.model.attempts import Claim, HandBack, Renew, Reopen, Settle
from cqworker.model.changes import Change
from cqworker.model.interventions import AskCancel, Enter, Forestall, Lose, NewRound
from cqworker.ports import KeyItem

KEY_FREE = f"{ABSENT} OR expires_at < :now"


def put_of(change: Enter) -> Request:
    """The PutItem of a new record."""
    return {"Item": item_of(change.record), "ConditionExpression": ABSENT}


def reservation_of(key: KeyItem, now: int) -> Request:
    """The PutItem of an idempotency key, over one that has run out at `now` (epoch ms)."""
    values = {":now": number(now)}
    return {"Item": key_item(key), "ConditionExpression": KEY_FREE, "ExpressionAttributeValues": values}


def update_of(change: Change) -> Request:
    """The UpdateItem of any change but Enter."""
    return _form(change).request()


def _form(change: Change) -> Form:
    match change:
        case Settle():
            return attempt_forms.settle(change)
        case Reopen():  # which is a Claim, too
            return attempt_forms.reopen(change)
        case Claim():
            return attempt_forms.claim(change)
        case Renew():
            return attempt_forms.renew(change)
        case HandBack():
            return attempt_forms.hand_back(change)
        case Forestall():
            return intervention_forms.forestall(change)
        case AskCancel():
            return intervention_forms.ask_cancel(change)
        case NewRound():
            return intervention_forms.new_round(change)
        case Lose():
            return intervention_forms.lose(change)
        case Enter():
            raise TypeError("a new record is put, not updated")
