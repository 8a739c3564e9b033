"""The locks name tested versions by checksum and no machine's package index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = tuple(f"requirements{kind}.lock" for kind in ("", "-dev", "-build", "-demo", "-docs", "-uv"))
TOOLS = frozenset({"pytest", "hypothesis", "mypy", "ruff", "import-linter"})


def read(lock: str) -> str:
    return (ROOT / lock).read_text(encoding="utf-8")


def pins(lock: str) -> list[Requirement]:
    """The lock's requirements, checksums and comments apart."""
    return [Requirement(line.removesuffix("\\")) for line in read(lock).splitlines() if re.match(r"\w", line)]


def locked(lock: str) -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for pin in pins(lock):
        found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def declared(extra: str | None = None) -> list[Requirement]:
    """The project's own requirements, those of an extra, or those of a group."""
    everything = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, groups = everything["project"], everything["dependency-groups"]
    lines = {**project["optional-dependencies"], **groups}[extra] if extra else project["dependencies"]
    return [Requirement(line) for line in lines if not line.startswith("cqworker")]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_checksum(lock: str) -> None:
    entries = re.split(r"(?m)^(?=\w)", read(lock))[1:]
    assert entries
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_holds_an_address(lock: str) -> None:
    assert re.findall(r"https?://\S+|(?m:^--\S+)", read(lock)) == []


@pytest.mark.parametrize(
    ("lock", "extra"),
    [
        ("requirements.lock", None),
        ("requirements-dev.lock", None),
        ("requirements-dev.lock", "embedded"),
        ("requirements-dev.lock", "dev"),
        ("requirements-demo.lock", None),
        ("requirements-demo.lock", "demo"),
        ("requirements-docs.lock", "docs"),
    ],
)
def test_what_is_declared_is_locked_at_a_version_that_fits(lock: str, extra: str | None) -> None:
    chosen = locked(lock)
    for wanted in declared(extra):
        for pin in chosen[canonicalize_name(wanted.name)]:
            [version] = [spec.version for spec in pin.specifier]
            assert version in wanted.specifier, f"{wanted} is locked as {pin}: run `make lock`"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-demo.lock"])
def test_production_the_demo_and_development_run_the_same_versions(lock: str) -> None:
    everything = locked("requirements-dev.lock")
    differing = {name: pin for name, pin in locked(lock).items() if everything.get(name) != pin}
    assert differing == {}


def test_production_brings_no_embedded_aws_and_no_test_tools() -> None:
    assert set(locked("requirements.lock")) & {"moto", "flask", "werkzeug", "hatchling", *TOOLS} == set()


def test_the_demo_brings_neither_test_tools_nor_what_its_three_services_never_import() -> None:
    brought = set(locked("requirements-demo.lock"))
    assert "moto" in brought
    assert brought & {*TOOLS, "cfn-lint", "sympy", "docker", "graphql-core", "openapi-spec-validator"} == set()


def test_the_embedded_aws_of_the_demo_is_the_one_that_the_extra_declares() -> None:
    [extra] = [wanted for wanted in declared("embedded") if wanted.name == "moto"]
    [group] = [wanted for wanted in declared("demo") if wanted.name == "moto"]
    assert (extra.specifier, extra.extras) == (group.specifier, {"server"})
