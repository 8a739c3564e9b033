"""The image is small, non-root, multi-stage, and stops on SIGTERM."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Instruction:
    word: str
    value: str


def stages() -> list[list[Instruction]]:
    """The Dockerfile's instructions, grouped by the FROM they follow; what stands before the first is left out."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"(?m)^\s*#.*\n", "", text))
    found: list[list[Instruction]] = []
    for line in filter(str.strip, joined.splitlines()):
        word, _, value = line.partition(" ")
        if word == "FROM":
            found.append([])
        if found:
            found[-1].append(Instruction(word, value.strip()))
    return found


def values(word: str, stage: int = -1) -> list[str]:
    return [instruction.value for instruction in stages()[stage] if instruction.word == word]


def test_it_is_built_in_a_stage_that_does_not_ship() -> None:
    build, final = stages()
    assert build[0].value.endswith(" AS build")
    assert not [instruction for instruction in final if instruction.word == "RUN"]
    assert values("COPY") == ["--from=build /opt/cqworker /opt/cqworker"]


def test_both_stages_start_from_the_one_image_that_can_be_chosen() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"(?m)^ARG PYTHON_IMAGE=\S+$", text)
    assert [stage[0].value.split()[0] for stage in stages()] == ["${PYTHON_IMAGE}", "${PYTHON_IMAGE}"]


def test_it_runs_as_a_numeric_user_that_is_not_root() -> None:
    assert values("USER") == ["10001:10001"]


def test_the_daemon_is_started_without_a_shell_and_stopped_by_sigterm() -> None:
    assert [json.loads(value) for value in values("ENTRYPOINT")] == [["/opt/cqworker/bin/cqworker"]]
    assert [json.loads(value) for value in values("CMD")] == [["run"]]
    assert values("STOPSIGNAL") == ["SIGTERM"]


def test_its_home_is_writable_when_the_root_is_read_only() -> None:
    [environment] = values("ENV")
    assert "HOME=/tmp" in environment.split()


def test_it_installs_the_checked_production_lock_and_no_extra() -> None:
    commands = " && ".join(values("RUN", stage=0)).split(" && ")
    arguments = [command.split(" install ", 1)[1].strip() for command in commands if " install " in command]
    assert arguments == [
        "--require-hashes --requirement requirements-build.lock",
        "--require-hashes --requirement requirements.lock",
        "--no-deps /dist/cqworker-*.whl",
    ]
    assert "compileall" in commands[-1]


def test_the_build_context_holds_all_that_is_copied_and_little_else() -> None:
    rules = [
        rule for rule in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if rule[:1] not in ("#", "")
    ]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {name for value in values("COPY", stage=0) for name in value.split()[:-1]}
    assert allowed == copied
