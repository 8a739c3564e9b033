"""A disk without room is told in one sentence, and no exit code is lost to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cqworker.cli.demo import DemoFailed, _write
from tests.cli.running import COMMAND, plain_environment
from tests.patience import scaled

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
FULL = Path("/dev/full")


def on_a_full_disk(*arguments: str, stderr: int | None = None) -> subprocess.CompletedProcess[str]:
    """A command whose standard output has no room; its standard error has none either unless that is given."""
    with FULL.open("wb", buffering=0) as full:
        where = full if stderr is None else stderr
        return subprocess.run(
            [*COMMAND, *arguments],
            env=plain_environment(),
            stdout=full,
            stderr=where,
            text=True,
            timeout=scaled(30),
            check=False,
        )


@pytest.mark.parametrize("arguments", [("config", "show"), ("handlers", "list", "--json"), ("--help",)])
def test_an_output_without_room_is_one_sentence(arguments: tuple[str, ...]) -> None:
    done = on_a_full_disk(*arguments, stderr=subprocess.PIPE)
    told = "No space is left on the disk for what the output goes to. Make room, or write elsewhere.\n"
    assert (done.returncode, done.stderr) == (1, told)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("config", "show"), 1), (("nonsense",), 64), (("config", "show", "--config", "/nowhere.toml"), 78)],
)
def test_an_exit_code_that_a_supervisor_reads_needs_no_room(arguments: tuple[str, ...], code: int) -> None:
    assert on_a_full_disk(*arguments).returncode == code


def test_the_demo_says_where_its_picture_found_no_room(tmp_path: Path) -> None:
    picture = tmp_path / "astronaut-grey.jpg"
    picture.symlink_to(FULL)
    with pytest.raises(DemoFailed, match=r"Cannot write .*astronaut-grey\.jpg: No space left .*--output"):
        _write(picture, b"grey")
