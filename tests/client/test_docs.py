"""The examples of docs/client.md work as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import Dev, plain_environment
from tests.patience import scaled

EXAMPLES = re.findall(
    r"^```python\n(.*?)^```",
    (Path(__file__).parents[2] / "docs" / "client.md").read_text("utf-8").partition("## Jupyter")[0],
    re.DOTALL | re.MULTILINE,
)
PRINTED = [r"[A-Z]+ \S{36}\nHELLO WORLD\n3 jobs\nrejected\n", r"\d{5} bytes\n", r"ONE TWO\n"]


@pytest.mark.parametrize(("example", "printed"), list(zip(EXAMPLES, PRINTED, strict=True)))
def test_an_example_prints_what_it_should(dev: Dev, example: str, printed: str) -> None:
    program = example.replace("http://127.0.0.1:8080", dev.url)
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={**plain_environment(), **dev.exports},
        capture_output=True,
        text=True,
        timeout=scaled(40),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(printed, done.stdout), done.stdout
