"""The CHANGELOG names what is new on a public face, so that nobody finds it by chance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
from prometheus_client import CollectorRegistry

import cqworker
from cqworker import client, testing
from cqworker.cli.program import program
from cqworker.enums import SCOPES, ExitCode
from cqworker.execution.outcome import StopReason
from cqworker.jobs.submission_models import BatchJobAsk
from cqworker.model.envelope import Envelope
from cqworker.model.job_view import job_view
from cqworker.model.status import FailureKind, Status
from cqworker.observe.instruments import MetricFamily
from cqworker.observe.metric_definitions import MetricDefinitions
from cqworker.plugins.job import PlainJob
from cqworker.web.problems import ProblemKind
from cqworker.web.routes import ROUTES
from tests.rails.jobs import RECORD
from tests.rails.pages import ROOT
from tests.rails.samples import fields_of
from tests.rails.test_settings import FIELDS

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
OLD = frozenset(Path(__file__).with_name("told_in_other_words.txt").read_text(encoding="utf-8").splitlines())
"""Names from the first days, of which the CHANGELOG tells as a whole. None is ever added: a new one is named there."""


def public_names() -> Iterator[str]:
    """What people and programs say, each as the CHANGELOG would name it."""
    yield from (f"{route.method} {route.path}" for route in ROUTES)
    yield from (name for _, name in FIELDS)
    families = vars(MetricDefinitions(CollectorRegistry())).values()
    yield from (family.name for family in families if isinstance(family, MetricFamily))
    for face in (cqworker, client, testing):
        yield from face.__all__
    for words in (Status, FailureKind, StopReason, SCOPES):
        yield from map(str, words)
    yield from (kind.slug for kind in ProblemKind)
    yield from (code.name for code in ExitCode)
    for fields in (fields_of(Envelope), BatchJobAsk.model_fields, job_view(RECORD), fields_of(PlainJob)):
        yield from fields
    yield from _commands(program, "cqworker")


def _commands(command: click.Command, path: str) -> Iterator[str]:
    """The commands by their whole path, and their options."""
    yield path
    for parameter in command.params:
        yield from (option for option in parameter.opts if option.startswith("--"))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _commands(below, f"{path} {name}")


NAMES = sorted({*public_names()})


def is_told_of(name: str) -> bool:
    """Whether the CHANGELOG says the name, as a whole word."""
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", CHANGELOG) is not None


def test_the_changelog_names_what_was_not_there_from_the_first() -> None:
    untold = [name for name in NAMES if name not in OLD and not is_told_of(name)]
    assert untold == [], "CHANGELOG.md, Unreleased: say what they are for"


def test_no_name_is_excused_that_is_gone() -> None:
    assert sorted(OLD - {*NAMES}) == [], "take them from tests/rails/told_in_other_words.txt"
