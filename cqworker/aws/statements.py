"""The same conditional writes as statements of PartiQL, which can be sent in batches.

Made from the update forms, so that there is one place that says what a change needs and does (DynamoDB developer
guide, "PartiQL update statements").
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeGuard

from cqworker.aws import attempt_forms
from cqworker.aws.phrases import Form, Request, Shape
from cqworker.aws.wire import JOB, SORT_KEY
from cqworker.model.attempts import Claim, HandBack, Renew, Reopen, Settle
from cqworker.model.changes import Change
from cqworker.model.interventions import AskCancel, Enter, Forestall, Lose, NewRound

Gathered = Claim | Renew | Settle | HandBack
"""The changes that a job's own worker makes: there are many of them at a time."""

NAME = r"(#?\w+)"
VALUE = re.compile(r":\w+")
REWORDED = (
    (rf"attribute_not_exists\({NAME}\)", r"\1 IS MISSING"),
    (rf"{NAME} <> (:\w+)", r"(\1 IS MISSING OR \1 <> \2)"),
    (rf"{NAME} IN \(([^)]*)\)", r"\1 IN [\2]"),
    (r"#(\w+)", r'"\1"'),
)


def is_gathered(change: Change) -> TypeGuard[Gathered]:
    """Whether a change shares requests with others; the rest is rare, or makes what is absent, which a batch cannot."""
    known = _KINDS.get(type(change))
    if known is None:  # asked twice a job, and of ten classes in all
        known = _KINDS[type(change)] = _shares(change)
    return known


_KINDS: dict[type, bool] = {}


def _shares(change: Change) -> bool:
    match change:
        case Reopen():  # which is a Claim, too
            return False
        case Claim() | Renew() | Settle() | HandBack():
            return True
        case Enter() | Forestall() | AskCancel() | NewRound() | Lose():
            return False


def statement_of(change: Gathered, table: str) -> Request:
    """One entry of a BatchExecuteStatement; a refusal brings what stood there, a success what stands there now."""
    form = _form(change)
    said, names = _worded(table, form.shape)
    values = form.values
    values[":pk"], values[":sk"] = {"S": JOB + form.job_id}, SORT_KEY
    return {
        "Statement": said,
        "Parameters": [values[name] for name in names],
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _form(change: Gathered) -> Form:
    match change:
        case Claim():
            return attempt_forms.claim_existing(change)
        case Settle():
            return attempt_forms.settle(change)
        case Renew():
            return attempt_forms.renew(change)
        case HandBack():
            return attempt_forms.hand_back(change)


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
