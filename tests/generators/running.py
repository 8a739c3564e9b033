"""Runs the programs of others and says what they said when they were not content."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

HINT = "make api needs Node.js with npm, and Go (1.26 or newer)"


class GeneratorError(Exception):
    """A generator, a compiler or a story failed; the message has what it said."""


def ran(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """What the command wrote to stdout and stderr; raises GeneratorError unless it ended with 0."""
    words = [str(word) for word in command]
    if shutil.which(words[0]) is None:
        raise GeneratorError(f"{words[0]} is not on PATH: {HINT}")
    done = subprocess.run(
        words,
        cwd=folder,
        env=os.environ | (environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise GeneratorError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def silent(command: Sequence[str | Path], folder: Path, *, besides: str = "") -> None:
    """Runs a command that says nothing but lines beginning with one of `besides`; raises GeneratorError if it does."""
    said = [line for line in ran(command, folder).splitlines() if line and line[0] not in besides]
    if said:
        raise GeneratorError(f"{' '.join(map(str, command))} warns:\n" + "\n".join(said))
