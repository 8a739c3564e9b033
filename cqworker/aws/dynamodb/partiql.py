"""The same conditional writes as statements of PartiQL, which can be sent in batches.

Made from the update forms, so that there is one place that says what a change needs and does (DynamoDB developer
guide, "PartiQL update statements").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from cqworker.aws.dynamodb import attempt_expressions
from cqworker.aws.dynamodb.expression_parts import Form, Request, Shape
from cqworker.aws.dynamodb.items import JOB, SORT_KEY
from cqworker.model.attempt_writes import Claim, HandBack, Renew, Settle
from cqworker.model.writes import Change

FORMS: Mapping[type[Change], Callable[[Any], Form]] = {
    Claim: attempt_expressions.claim_existing,
    Renew: attempt_expressions.renew,
    Settle: attempt_expressions.settle,
    HandBack: attempt_expressions.hand_back,
}
"""The changes that share requests, by their exact class: those that a job's own worker makes, many at a time.

The rest is rare, or makes what is absent, which a batch cannot: a Reopen is no Claim here.
"""

NAME = r"(#?\w+)"
VALUE = re.compile(r":\w+")
REWORDED = (
    (rf"attribute_not_exists\({NAME}\)", r"\1 IS MISSING"),
    (rf"{NAME} <> (:\w+)", r"(\1 IS MISSING OR \1 <> \2)"),
    (rf"{NAME} IN \(([^)]*)\)", r"\1 IN [\2]"),
    (r"#(\w+)", r'"\1"'),
)


def statement_of(change: Change, table: str) -> Request:
    """One entry of a BatchExecuteStatement; a refusal brings what stood there, a success what stands there now."""
    form = FORMS[type(change)](change)
    said, names = _worded(table, form.shape)
    values = form.values
    values[":pk"], values[":sk"] = {"S": JOB + form.job_id}, SORT_KEY
    return {
        "Statement": said,
        "Parameters": [values[name] for name in names],
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


@lru_cache(maxsize=256)
def _worded(table: str, shape: Shape) -> tuple[str, tuple[str, ...]]:
    """The statement with its question marks, and the name of the value that each stands for."""
    sets, _, removes = shape.said.removeprefix("SET ").partition(" REMOVE ")
    clauses = [f"SET {clause}" for clause in re.split(r", (?![^(]*\))", sets)]
    clauses += [f"REMOVE {name}" for name in removes.split(", ") if name]
    said = f"{' '.join(clauses)} WHERE pk = :pk AND sk = :sk AND ({shape.condition}) RETURNING ALL NEW *"
    for words, others in REWORDED:
        said = re.sub(words, others, said)
    return f'UPDATE "{table}" {VALUE.sub("?", said)}', tuple(VALUE.findall(said))
