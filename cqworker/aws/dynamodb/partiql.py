"""The same conditional writes as statements of PartiQL, which can be sent in batches.

Made of the same parts as the updates, so that there is one place that says what a change needs and does (DynamoDB
developer guide, "PartiQL update statements").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cqworker.aws.dynamodb import attempt_expressions, schedule_expressions
from cqworker.aws.dynamodb.conditional_update import BatchableUpdate, Request
from cqworker.aws.dynamodb.items import JOB_PREFIX, SORT_KEY
from cqworker.model.attempt_writes import Claim, HandBack, Renew, Settle
from cqworker.model.schedule_writes import HandOver
from cqworker.model.writes import Change

BATCHABLE: Mapping[type[Change], Callable[[Any], BatchableUpdate]] = {
    Claim: attempt_expressions.claim_existing,
    Renew: attempt_expressions.renew,
    Settle: attempt_expressions.settle,
    HandBack: attempt_expressions.hand_back,
    HandOver: schedule_expressions.hand_over,
}
"""The changes that share requests, by their exact class: those of which one process makes many at a time.

The rest is rare, or makes what is absent, which a batch cannot: a Reopen is no Claim here.
"""


def statement_of(change: Change, table: str) -> Request:
    """One entry of a BatchExecuteStatement; a refusal brings what stood there, a success what stands there now."""
    update = BATCHABLE[type(change)](change)
    values = update.values
    values[":pk"], values[":sk"] = {"S": JOB_PREFIX + update.job_id}, SORT_KEY
    return {
        "Statement": f'UPDATE "{table}" {update.template.clauses}',
        "Parameters": [values[name] for name in update.template.values],
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
