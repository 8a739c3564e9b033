"""The pages name every field: what can be asked for, what is shown, what travels, what a handler has."""

from __future__ import annotations

import dataclasses

from cqworker.client import JobView, NewJob
from cqworker.jobs.submission_models import BatchJobAsk
from cqworker.model.envelope import Envelope
from cqworker.plugins.job import PlainJob
from tests.rails.jobs import OF_THE_MESSAGE
from tests.rails.pages import untold
from tests.rails.samples import fields_of


def test_the_page_of_the_api_names_everything_that_can_be_asked_for() -> None:
    assert untold("http.md", BatchJobAsk.model_fields, "`{}") == [], "docs/http.md"


def test_the_page_of_the_api_shows_every_field_of_a_job() -> None:
    assert untold("http.md", [field.name for field in dataclasses.fields(JobView)], '[`"]{}[`"]') == [], "docs/http.md"


def test_the_page_of_the_client_names_everything_that_can_be_asked_for() -> None:
    names = [field.name for field in dataclasses.fields(NewJob)]
    assert untold("client.md", names, r"\b{}\b") == [], "docs/client.md"


def test_the_page_of_handlers_names_every_field_of_their_job() -> None:
    assert untold("handlers.md", fields_of(PlainJob)) == [], "docs/handlers.md"


def test_the_page_of_the_protocol_names_every_field_of_a_message() -> None:
    names = fields_of(Envelope).keys() - OF_THE_MESSAGE.keys()
    assert untold("protocol.md", names, '"{}"') == [], "docs/protocol.md, message body"


def test_the_table_of_messages_that_others_write_has_a_row_for_every_field() -> None:
    names = fields_of(Envelope).keys() - OF_THE_MESSAGE.keys()
    assert untold("messages.md", names, r"(?m)^\| `{}` \|") == [], "docs/messages.md"
