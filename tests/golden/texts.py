"""The golden files' names and texts, made from the code; the same on every machine and every Python."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from cqworker.aws.dynamodb.items import item_of, key_item
from cqworker.cli.config import _visible_values
from cqworker.cli.program import program
from cqworker.cli.toml_writer import toml_lines
from cqworker.model.envelope import Envelope
from cqworker.model.job_view import job_view
from cqworker.model.record import record_from
from cqworker.observe.instruments import HistogramFamily, MetricFamily
from cqworker.observe.metric_definitions import MetricDefinitions
from cqworker.plugins.registry import registry_of
from cqworker.ports import KeyItem
from cqworker.settings import HttpSettings, Settings
from cqworker.web.openapi import ApiDocument, DocumentContext
from cqworker.web.routes import ROUTES
from tests.golden.lines import lines_of_a_life, lines_of_every_event
from tests.rails.jobs import MESSAGE, PURGE, RECORD, TYPE
from tests.rails.samples import NOW
from tests.web.house import token, transform

FOLDER = Path(__file__).parent / "files"
WIDTH = 100
"""Columns of the help, whatever terminal there is."""


def _description() -> object:
    """With a token, so that the scopes are in it, and with one handler, so that a payload's schema is."""
    settings = HttpSettings(tokens=(token("shop", "submit", "read", "operate"),))
    return ApiDocument(ROUTES, "0", DocumentContext(registry_of(**{TYPE: transform}), settings)).document


def _metrics() -> Iterator[str]:
    families = [
        value for value in vars(MetricDefinitions(CollectorRegistry())).values() if isinstance(value, MetricFamily)
    ]
    for family in families:
        for metric in family.collect():
            labels, buckets = ", ".join(family.labels) or "nothing", _buckets(family)
            yield f"{family.name} ({metric.type}) by {labels}: {family.meaning}{buckets}\n"


def _buckets(family: MetricFamily[Any]) -> str:
    bounds = [bound for bound, _ in family["",].buckets()] if isinstance(family, HistogramFamily) else []
    return f" ({', '.join(bounds)})" if bounds else ""


def _messages() -> dict[str, object]:
    small = Envelope(job_id="small", type=TYPE, queue="cqworker", max_attempts=10, created_at=NOW, payload="{}")
    return {"small": json.loads(small.text()), "full": json.loads(MESSAGE.text())}


def _items() -> dict[str, object]:
    small = record_from(replace(MESSAGE, metadata={}, tags=(), payload_ref=None), PURGE, None)
    return {"queued": item_of(small), "full": item_of(RECORD), "key": key_item(KeyItem("hash", "job", "request", NOW))}


def _helps_of(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(command, parent, name, terminal_width=WIDTH, **command.context_settings)
    yield f"$ {context.command_path} --help\n{command.get_help(context)}"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from _helps_of(found, below, context)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


MAKERS: dict[str, Callable[[], str]] = {
    "openapi.json": lambda: _json(_description()),
    "metrics.txt": lambda: "".join(sorted(_metrics())),
    "log_of_a_life.jsonl": lambda: "".join(lines_of_a_life()),
    "log_of_every_event.jsonl": lambda: "".join(lines_of_every_event()),
    "config_show.toml": lambda: "\n".join(toml_lines(_visible_values(Settings()), lambda _: "")).strip() + "\n",
    "message.json": lambda: _json(_messages()),
    "item.json": lambda: _json(_items()),
    "view.json": lambda: _json(job_view(RECORD)),
    "help.txt": lambda: "\n\n".join(_helps_of(program, "cqworker", None)) + "\n",
}
"""What writes each golden file."""
