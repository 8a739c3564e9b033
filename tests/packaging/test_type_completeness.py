"""What `make types` says of pyright's findings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.type_completeness import MAX_SHOWN, measure, report


def symbol(name: str, *messages: str, exported: bool = True) -> dict[str, Any]:
    diagnostics = [{"message": message} for message in messages]
    return {"name": name, "isExported": exported, "isTypeKnown": False, "diagnostics": diagnostics}


def findings(score: float, *symbols: dict[str, Any]) -> dict[str, Any]:
    counts = {"withKnownType": 98, "withAmbiguousType": 1, "withUnknownType": 1}
    return {"completenessScore": score, "exportedSymbolCounts": counts, "symbols": list(symbols)}


@pytest.mark.parametrize(("score", "enough"), [(1.0, True), (0.98, True), (0.979, False)])
def test_98_in_a_hundred_are_enough(score: float, enough: bool) -> None:
    assert report(findings(score))[1] is enough


def test_each_symbol_that_has_to_be_guessed_is_named_with_the_reason() -> None:
    text, _ = report(
        findings(0.9, symbol("cqworker.a", "Type is missing\n  Inferred type is int"), symbol("cqworker.b"))
    )
    assert "cqworker.a: Type is missing\n" in text
    assert "cqworker.b: its type is inferred" in text
    assert text.endswith("type completeness: 90.0% (98 of 100 public symbols have a known type; at least 98%)")


def test_what_is_not_public_is_not_named() -> None:
    assert "hidden" not in report(findings(0.9, symbol("cqworker.hidden", exported=False)))[0]


def test_a_long_list_ends_with_how_many_more_there_are() -> None:
    text, _ = report(findings(0.5, *(symbol(f"cqworker.n{number}") for number in range(MAX_SHOWN + 7))))
    assert "and 7 more" in text


def test_pyright_finds_the_environment_first_on_its_path(tmp_path: Path) -> None:
    pyright = tmp_path / "pyright"
    pyright.write_text('#!/bin/sh\necho "{\\"typeCompleteness\\": {\\"path\\": \\"$PATH\\", \\"asked\\": \\"$*\\"}}"\n')
    pyright.chmod(0o755)
    found = measure(str(pyright), "/somewhere/bin/python")
    assert found["path"].startswith("/somewhere/bin:")
    assert found["asked"] == "--verifytypes cqworker --ignoreexternal --outputjson"


@pytest.mark.parametrize("answer", ["no JSON", json.dumps({"summary": {}})])
def test_a_pyright_that_gives_no_figure_is_heard(tmp_path: Path, answer: str) -> None:
    pyright = tmp_path / "pyright"
    pyright.write_text(f"#!/bin/sh\necho '{answer}'\n")
    pyright.chmod(0o755)
    with pytest.raises(RuntimeError, match="pyright gave no figure"):
        measure(str(pyright))
