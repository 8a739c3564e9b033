"""The annotated file and the page of the documentation leave nothing out."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from cqworker.settings import Settings, load_settings
from cqworker.settings.schema import SchemaNode, node_at

ROOT = Path(__file__).parents[2]
FILE = ROOT / "config" / "cqworker.toml"
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
TABLES: dict[str, tuple[str | int, ...]] = {
    "[store]": ("store",),
    "[artifacts]": ("artifacts",),
    "[[queues]]": ("queues", 0),
    "[worker]": ("worker",),
    "[fleet]": ("fleet",),
    "[http]": ("http",),
    "[[http.tokens]]": ("http", "tokens", 0),
    "[http.rates]": ("http", "rates"),
    '[http.rates.tenants."a.tenant"]': ("http", "rates", "tenants", "a.tenant"),
    "[aws]": ("aws",),
    "[handlers]": ("handlers",),
    '[handlers.types."a.type"]': ("handlers", "types", "a.type"),
    '[handlers.types."a.type".backoff]': ("handlers", "types", "a.type", "backoff"),
    '[limits."tenant:*"]': ("limits", "tenant:*"),
    "[log]": ("log",),
}


NAMED: dict[str | int, str | int] = {"a.type": "text.transform", "a.tenant": "default"}
"""What stands in the file for any name."""

SHARE_A_COMMENT = {
    ("host", "port"),
    ("max_body", "max_upload"),
    ("name", "sha256"),
    ("rate", "burst"),
    ("token_rate", "token_burst"),
    ("tenant_rate", "tenant_burst"),
    ("first", "factor"),
    ("factor", "cap"),
    ("root", "acme"),
}
"""Neighbours in the file, of which one comment speaks."""


def keys() -> Iterator[tuple[str, tuple[str | int, ...]]]:
    for table, path in TABLES.items():
        node = node_at(path)
        assert node is not None
        yield from ((table, (*path, key)) for key in node["properties"])


def uncommented() -> str:
    """The file as it is when every key is switched on."""
    return re.sub(r"^#(?=[\[a-z])", "", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_every_table_of_the_settings_is_known_here() -> None:
    assert {path[0] for path in TABLES.values()} == set(Settings.model_fields)


def test_the_file_as_shipped_changes_nothing() -> None:
    assert load_settings(FILE, {}) == Settings()


def test_every_key_in_the_file_stands_below_words_about_it() -> None:
    """A table of a setting's own, such as a backoff, is told of at its head."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    named = [re.match(r"#?([a-z_0-9]+) = ", line) for line in lines]
    neighbours = {(one[1], next_one[1]) for one, next_one in pairwise(named) if one and next_one}
    assert neighbours == SHARE_A_COMMENT


def test_the_file_with_every_key_switched_on_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "all.toml"
    path.write_text(uncommented(), encoding="utf-8")
    settings = load_settings(path, {})
    assert settings.queues[0].max_receive_count == 40
    assert settings.http.tokens[0].name == "web-shop"


@pytest.mark.parametrize(("table", "path"), list(keys()))
def test_every_setting_is_in_the_file_with_its_default(table: str, path: tuple[str | int, ...]) -> None:
    value: object = tomllib.loads(uncommented())
    for step in path:
        assert isinstance(value, dict | list), table
        key = NAMED.get(step, step)
        assert isinstance(key, int) or key in value, f"config/cqworker.toml lacks {key} below {table}"
        value = value[key]  # type: ignore[index]
    node = node_at(path) or {}
    default = None if "properties" in node else node.get("default")
    if path[:2] == ("queues", 0) and path[2] in ("name", "dead_letter_queue"):
        default = getattr(Settings().queues[0], str(path[2]))
    if default not in (None, []) or path[-1] in ("sources", "disabled"):
        assert value == default


@pytest.mark.parametrize(("table", "path"), list(keys()))
def test_every_setting_is_on_the_page_with_its_default_and_variable(table: str, path: tuple[str | int, ...]) -> None:
    section = PAGE.partition(f"### `{table}`\n")[2].partition("\n### ")[0]
    rows = [row for row in section.splitlines() if row.startswith(f"| `{path[-1]}` |")]
    assert len(rows) == 1, f"docs/configuration.md has no row of its own for {path[-1]} below {table}"
    node = node_at(path) or {}
    if node.get("default") is not None and "properties" not in node:
        assert f"| `{json.dumps(node['default'])}` |" in rows[0]
    if len(path) == 2 and "properties" not in node and path[0] != "queues":
        assert f"`CQWORKER_{'__'.join(map(str, path)).upper()}`" in rows[0]
    if node.get("type") in ("integer", "number"):
        said = rows[0].split("|")[2].strip()
        assert re.sub(" and `.*", "", said) == numbers_of(node), f"docs/configuration.md, {path[-1]} below {table}"


def numbers_of(node: SchemaNode) -> str:
    """Which numbers a setting takes, as the page says it."""
    low, above, high = node.get("minimum"), node.get("exclusiveMinimum"), node.get("maximum")
    kind = {"integer": "whole number", "number": "number"}[node["type"]]
    if low is not None and high is not None:
        return f"{kind}, {low} to {high}"
    least = f"{kind}, at least {low}" if low is not None else f"{kind} above {above}" if above is not None else kind
    return least if high is None else f"{least}, at most {high}"


def test_every_setting_says_what_it_is_for() -> None:
    assert all((node_at(path) or {}).get("description") for _, path in keys())
