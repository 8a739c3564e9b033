"""The route table declares the problems that its endpoints can raise, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from cqworker import errors
from cqworker.jobs import strict_json, submission_models
from cqworker.jobs.submission_models import InvalidFields
from cqworker.web import buffer_quota
from cqworker.web.error_middleware import _problem_of
from cqworker.web.openapi_operations import Bounds, kinds_of
from cqworker.web.problems import ProblemKind
from cqworker.web.route_definition import Route
from cqworker.web.routes import ROUTES
from tests.rails.raises import raised_by
from tests.rails.test_events_and_problems import FULL

HOMES = (errors, strict_json, submission_models, buffer_quota)
"""Where the errors are that a request meets."""
MADE: Mapping[type[Exception], Exception] = {**dict[Any, Any](FULL), InvalidFields: InvalidFields("It is so.", ())}
BEFORE_ANY = {ProblemKind.UNAUTHENTICATED, ProblemKind.FORBIDDEN, ProblemKind.MISDIRECTED}
"""Found before the endpoint is called, and declared for it by the settings."""


class _Request:
    match_info: ClassVar[dict[str, str]] = {}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_call_declares_the_problems_that_it_can_end_with_and_no_other(route: Route) -> None:
    bounds = Bounds(max_body=1, max_upload=1, asks_for_tokens=False, is_of_this_machine=False)
    by_itself = set(kinds_of(route, bounds)) - set(route.problems)
    found = {kind for word in raised_by(route.endpoint) if (kind := _kind_of(word)) is not None}
    undeclared = {kind.name for kind in found - by_itself - BEFORE_ANY - set(route.problems)}
    assert undeclared == set(), f"{route.name} in cqworker/web/routes.py, or a docstring says too much"
    unfounded = {kind.name for kind in set(route.problems) - found}
    assert unfounded == set(), f"{route.name} in cqworker/web/routes.py, or a docstring says too little"


def _kind_of(word: str) -> ProblemKind | None:
    """The problem of a member's or an error's name; None for other words of a docstring."""
    if word in ProblemKind.__members__:
        return ProblemKind[word]
    error = next((vars(home)[word] for home in HOMES if word in vars(home)), None)
    if not (isinstance(error, type) and issubclass(error, Exception)):
        return None
    problem = _problem_of(MADE.get(error) or error("It is so."), _Request())  # type: ignore[arg-type]
    return problem.kind if problem else ProblemKind.INTERNAL
