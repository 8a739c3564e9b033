"""Installs locks, and the project itself, into the environment that runs it: with uv where it can be had, or pip."""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
FETCHED_UV = Path(sys.prefix) / "uv"
"""Where uv is put when this machine has none: a folder of the environment, gone with it."""
FETCH_OPTIONS = ("--retries", "1", "--timeout", "15")
"""For fetching uv: a machine that cannot have it shall not wait long before pip's turn."""
UV_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}
"""uv's variable for each of pip's options that a user may have set: uv does not read pip's configuration."""
NO_ANSWER = """
{lock} could not be installed: the lines above say why.
If the package index cannot be reached: check the network, or name another index with PIP_INDEX_URL=https://… make …
Nothing needs to be cleaned up: the same command goes on where this one stopped."""


def find_uv() -> str | None:
    """A uv that runs: the one that UV names, the one on PATH, or one fetched into the environment; None without any."""
    for candidate in (os.environ.get("UV"), str(FETCHED_UV / "bin" / "uv"), shutil.which("uv")):
        if candidate and _runs(candidate):
            return candidate
    lock = ROOT / "requirements-uv.lock"
    fetch = ["install", "--quiet", *FETCH_OPTIONS, "--no-deps", "--require-hashes", "--requirement", str(lock)]
    fetched = subprocess.run([*PIP, *fetch, "--target", str(FETCHED_UV)], capture_output=True, check=False)
    uv = str(FETCHED_UV / "bin" / "uv")
    return uv if fetched.returncode == 0 and _runs(uv) else None


def _runs(program: str) -> bool:
    """Whether it is there and more than a name: a shim of pyenv may lead nowhere."""
    try:
        return subprocess.run([program, "--version"], capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def pip_configuration() -> dict[str, str]:
    """pip's own configuration in uv's variables; uv's own variables go first."""
    listed = subprocess.run([*PIP, "config", "list"], capture_output=True, text=True, check=False).stdout
    return {variable: value for variable, value in _translate(listed.splitlines()) if variable not in os.environ}


def _translate(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pip lists the weakest first: global, then install's own, then the environment."""
    for line in lines:
        name, _, value = line.partition("=")
        variable = UV_VARIABLES.get(name.rpartition(".")[2])
        if variable:
            separator = "," if variable == "UV_FIND_LINKS" else " "
            yield variable, separator.join(str(ast.literal_eval(value)).split())


def with_uv(uv: str, arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether uv installed it; its complaints are not shown, for pip tries the same and has its own."""
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable, *arguments]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print("uv could not; pip tries it", flush=True)
    return done.returncode == 0


def with_pip(arguments: Sequence[str]) -> bool:
    """Whether pip installed it; what it complains of is shown."""
    return subprocess.run([*PIP, "install", "--quiet", *arguments], cwd=ROOT, check=False).returncode == 0


def main(words: Sequence[str]) -> int:
    """Installs what is asked for; 1 when neither way could."""
    parser = argparse.ArgumentParser(prog="python -m tools.install", description=__doc__)
    parser.add_argument("locks", nargs="*", help="files of pinned requirements with their checksums")
    parser.add_argument("--compile", action="store_true", help="compile everything now, not when it is first imported")
    parser.add_argument("--project", action="store_true", help="afterwards the project, editable")
    asked = parser.parse_args(words)
    uv = find_uv()
    environment = {**os.environ, **pip_configuration()} if uv else {}
    for lock in asked.locks:
        wanted = ["--no-deps", "--require-hashes", "--requirement", lock]  # a lock names all there is to find
        compiled = ["--compile-bytecode"] if asked.compile else []
        if not (uv and with_uv(uv, [*wanted, *compiled], environment)):
            if not with_pip([*wanted, "--compile" if asked.compile else "--no-compile"]):
                print(NO_ANSWER.format(lock=lock), file=sys.stderr)
                return 1
            uv = None
    if asked.project:
        own = ["--no-deps", "--no-build-isolation", "--editable", "."]
        if not (uv and with_uv(uv, own, environment)) and not with_pip(own):
            print(NO_ANSWER.format(lock="the project itself"), file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
