"""The peers' own virtual environment, made once and kept in the cache folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


class PeersUnavailable(RuntimeError):
    """The peers cannot be installed here; the text is what pip printed last."""


def cache_folder() -> Path:
    """Where the environment stays: $XDG_CACHE_HOME/cqworker, ~/.cache/cqworker without it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cqworker"


def peers_venv() -> Path:
    """The folder with the environment's programs, installed where it is missing. Raises PeersUnavailable."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    home = cache_folder() / f"bench-peers-{sys.version_info.major}.{sys.version_info.minor}-{digest}"
    installed = home / ".installed"
    if not installed.exists():
        with tempfile.TemporaryFile("w+") as output:
            for command in (
                [sys.executable, "-m", "venv", str(home)],
                [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)],
            ):
                if subprocess.run(
                    command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, check=False
                ).returncode:
                    output.seek(0)
                    raise PeersUnavailable(output.read()[-300:].strip())
        installed.touch()
    return home / "bin"
