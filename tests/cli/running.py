"""Commands as tests run them: in this process or in one of their own, and a `cqworker dev` to talk to."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from click.testing import CliRunner, Result

from cqworker.cli.program import program
from tests.patience import scaled

COMMAND = [sys.executable, "-P", "-m", "cqworker"]


@dataclass(frozen=True)
class Dev:
    """A running `cqworker dev`: where it serves, and what another terminal needs to reach its AWS."""

    url: str
    exports: Mapping[str, str]
    example: str
    ready_after: float


def invoke(*args: str, **options: Any) -> Result:
    """A command in this process, which stays alive."""
    return CliRunner().invoke(program, args, **options)


def told(result: Result, code: int = 0) -> Any:
    """The JSON on stdout of a command that ended with `code`."""
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def plain_environment() -> dict[str, str]:
    """This process's environment without settings and without an AWS."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CQWORKER_"))}


def execute(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    environment = {**plain_environment(), **environ}
    return subprocess.run(
        [*COMMAND, *args], env=environment, capture_output=True, text=True, timeout=scaled(30), check=False
    )


@contextmanager
def running_dev(*options: str) -> Iterator[Dev]:
    """Runs `cqworker dev` on a free port, with these options; it must drain and exit 0 in the end."""
    began = time.monotonic()
    with subprocess.Popen(
        [*COMMAND, "dev", "--port", "0", *options],
        env=plain_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield _announced(process, began)
            process.send_signal(signal.SIGINT)
            assert process.wait(scaled(20)) == 0
        finally:
            process.kill()


def _announced(process: subprocess.Popen[str], began: float) -> Dev:
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    text = "".join(lines)
    found = re.search(r"ready at (\S+),", text)
    example = re.search(r"^  (curl .+)$", text, re.MULTILINE)
    assert found is not None, text
    assert example is not None, text
    exports = dict(re.findall(r"export (\w+)=(\S+)", text))
    return Dev(found[1], exports, example[1], time.monotonic() - began)
