"""Brings the engines' programs into a cache outside the tree and refuses any that are not the ones that were tested."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
INSTALL_HINT = "the engines need a JDK 17 or newer, Maven and Go (Debian: default-jdk-headless, maven, golang-go)"


class EngineError(Exception):
    """An engine that cannot be fetched, started or trusted; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class Jars:
    """A Java program: a pom that names it and the checksum of its main jar."""

    name: str
    main_jar: str
    sha256: str

    def fetch(self, cache: Path) -> Path:
        """The folder with the program's jars, brought by Maven when the cache has none for this pom."""
        pom = HERE / self.name / "pom.xml"
        home = cache / f"{self.name}-{_digest(pom)[:12]}"
        if not home.is_dir():
            with tempfile.TemporaryDirectory(dir=_made(cache)) as folder:
                lib = Path(folder) / "lib"
                goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={lib}"]
                _run(["mvn", "-q", "-B", "-C", "-f", str(pom), *goal])
                verify_file(lib / self.main_jar, self.sha256)
                _keep(lib, home)
        verify_file(home / self.main_jar, self.sha256)
        return home


@dataclass(frozen=True, slots=True)
class GoProgram:
    """A Go program: its module, version, and the checksum Go's own ledger holds for that module."""

    module: str
    package: str
    version: str
    h1: str

    def fetch(self, cache: Path) -> Path:
        """The program's file, built by Go when the cache has none of this version."""
        name = self.package.rsplit("/", 1)[-1]
        home = cache / f"{name}-{self.version}"
        if not home.is_dir():
            with tempfile.TemporaryDirectory(dir=_made(cache)) as folder:
                built = Path(folder) / "bin"
                _run(["go", "install", f"{self.package}@{self.version}"], GOBIN=str(built), CGO_ENABLED="0")
                verify_module(_run(["go", "version", "-m", str(built / name)]), self)
                _keep(built, home)
        return home / name


DYNAMODB_LOCAL = Jars(
    name="dynamodb_local",
    main_jar="DynamoDBLocal-3.3.1.jar",
    sha256="41a32e0a840a1fa375d7b3955e60d4b1db94c423ef9e14a43ee9b4cf9c2fb536",
)
ELASTICMQ = Jars(
    name="elasticmq",
    main_jar="elasticmq-server_2.13-1.7.1.jar",
    sha256="351c9b339aed90809b21dfa0cf4103f57b38544c97e24295216bf4b04e471489",
)
VERSITYGW = GoProgram(
    module="github.com/versity/versitygw",
    package="github.com/versity/versitygw/cmd/versitygw",
    version="v1.8.0",
    h1="h1:au+wI+aybno/STsQiSm35Uu6Q6iK5MWReQxgO6SEMFc=",
)


def cache_folder() -> Path:
    """Where fetched engines stay: $XDG_CACHE_HOME/cqworker/engines, ~/.cache/cqworker/engines without it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cqworker" / "engines"


def verify_file(file: Path, sha256: str) -> None:
    """Raises EngineError unless `file` is there and has this SHA-256 (hexadecimal)."""
    if not file.is_file():
        raise EngineError(f"{file} is missing; delete {file.parent} and fetch again")
    if (found := _digest(file)) != sha256:
        raise EngineError(f"{file} is not what was tested: SHA-256 {found}, expected {sha256}; delete {file.parent}")


def verify_module(build_info: str, program: GoProgram) -> None:
    """Raises EngineError unless `go version -m` (its text is `build_info`) names exactly this module and checksum."""
    modules = [line.split()[1:] for line in build_info.splitlines() if line.split()[:1] == ["mod"]]
    if modules != [[program.module, program.version, program.h1]]:
        raise EngineError(f"{program.package} was built from {modules}, expected {program.version} {program.h1}")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _keep(fetched: Path, home: Path) -> None:
    """Moves a verified folder into the cache in one step; another run that was faster wins."""
    try:
        fetched.rename(home)
    except OSError:
        if not home.is_dir():
            raise


def _run(command: list[str], **environment: str) -> str:
    if shutil.which(command[0]) is None:
        raise EngineError(f"{command[0]} is not on PATH: {INSTALL_HINT}")
    done = subprocess.run(
        command, env=os.environ | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise EngineError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
