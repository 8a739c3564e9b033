"""How much of what cqworker shows has a type that no checker has to guess: pyright's figure, and what lowers it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

LEAST = 0.98
"""The share of public symbols with a known type; below it the command fails."""
MAX_SHOWN = 40
"""Symbols that are named; whoever has mended them sees the next."""


def measure(pyright: str, python: str = sys.executable) -> dict[str, Any]:
    """What `pyright` finds of the package as installed for `python`; raises RuntimeError where it says nothing.

    Pyright asks the first `python` on PATH where packages are; what other packages leave untyped does not count.
    """
    environment = os.environ | {"PATH": f"{Path(python).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [pyright, "--verifytypes", "cqworker", "--ignoreexternal", "--outputjson"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    try:
        found: dict[str, Any] = json.loads(done.stdout)["typeCompleteness"]
    except (ValueError, KeyError) as error:
        raise RuntimeError(f"pyright gave no figure:\n{done.stdout}{done.stderr}") from error
    return found


def report(found: dict[str, Any]) -> tuple[str, bool]:
    """What to print, and whether the share is high enough."""
    guessed = [symbol for symbol in found["symbols"] if symbol["isExported"] and not symbol["isTypeKnown"]]
    counts, score = found["exportedSymbolCounts"], found["completenessScore"]
    lines = [_line(symbol) for symbol in guessed[:MAX_SHOWN]]
    if len(guessed) > MAX_SHOWN:
        lines.append(f"and {len(guessed) - MAX_SHOWN} more")
    known = f"{counts['withKnownType']} of {sum(counts.values())} public symbols have a known type"
    lines.append(f"type completeness: {score:.1%} ({known}; at least {LEAST:.0%})")
    return "\n".join(lines), score >= LEAST


def _line(symbol: dict[str, Any]) -> str:
    why = "; ".join(dict.fromkeys(each["message"].splitlines()[0] for each in symbol["diagnostics"]))
    return f"{symbol['name']}: {why or 'its type is inferred, and other checkers may infer another'}"


def main() -> int:
    """Measures with the pyright that is named; 1 when too much has to be guessed."""
    text, is_enough = report(measure(sys.argv[1]))
    print(text)
    return 0 if is_enough else 1


if __name__ == "__main__":
    sys.exit(main())
