"""The three generators, each pinned: how its programs are fetched, and how a client is made, compiled and used."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import Protocol

from tests.generators.running import ran, silent

HERE = Path(__file__).parent


class Language(Protocol):
    """A generator for one language; `folder` is the client's, empty at first."""

    name: str

    def make(self, document: Path, folder: Path) -> None:
        """Writes and compiles a client for this document; raises GeneratorError where anybody warns."""
        ...

    def tell(self, folder: Path, url: str, picture: Path) -> None:
        """Compiles the story beside a made client and runs it against this daemon."""
        ...


class Python:
    """openapi-python-client, from a lock with checksums; mypy judges what it wrote."""

    name = "Python"

    def make(self, document: Path, folder: Path) -> None:
        options = ["--meta", "none", "--fail-on-warning", "--output-path", str(folder / "cqworker_api")]
        programs = self._home() / "bin"
        formatter = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        }  # it wants a ruff, and warns without
        ran([programs / "openapi-python-client", "generate", "--path", document, *options], folder, formatter)
        ran([programs / "python", "-m", "compileall", "-q", "cqworker_api"], folder)
        ran([programs / "python", "-c", "import cqworker_api.models"], folder)

    def tell(self, folder: Path, url: str, picture: Path) -> None:
        shutil.copy(HERE / "python" / "story.py", folder)
        python = self._home() / "bin" / "python"
        mypy = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--config-file="]
        ran([*mypy, "--python-executable", str(python), "story.py"], folder)
        ran([python, "story.py", url, picture], folder)

    def _home(self) -> Path:
        lock = HERE / "python" / "requirements.lock"
        home = cached("python", lock)
        if not (home / ".complete").exists():
            ran([sys.executable, "-m", "venv", "--clear", home], HERE)
            pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            ran([*pip, "--require-hashes", "--requirement", str(lock)], HERE)
            (home / ".complete").touch()
        return home


class TypeScript:
    """openapi-typescript and openapi-fetch, by `npm ci` from a lock with checksums."""

    name = "TypeScript"

    def make(self, document: Path, folder: Path) -> None:
        home = self._home()
        for name in ("package.json", "tsconfig.json"):
            shutil.copy(HERE / "typescript" / name, folder)
        (folder / "node_modules").symlink_to(home / "node_modules")
        programs = home / "node_modules" / ".bin"
        silent([programs / "openapi-typescript", document, "--output", "api.d.ts"], folder, besides="✨🚀")
        silent([programs / "tsc", "--noEmit"], folder)

    def tell(self, folder: Path, url: str, picture: Path) -> None:
        shutil.copy(HERE / "typescript" / "story.ts", folder)
        silent([folder / "node_modules" / ".bin" / "tsc"], folder)
        ran(["node", "story.js", url, picture], folder)

    def _home(self) -> Path:
        lock = HERE / "typescript" / "package-lock.json"
        home = cached("typescript", lock)
        if not (home / ".complete").exists():
            home.mkdir(parents=True, exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / "typescript" / name, home)
            ran(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], home)
            (home / ".complete").touch()
        return home


class Go:
    """oapi-codegen, which Go builds from the module's own sums and keeps in its own cache."""

    name = "Go"

    def make(self, document: Path, folder: Path) -> None:
        for name in ("go.mod", "go.sum"):
            shutil.copy(HERE / "go" / name, folder)
        (folder / "api").mkdir()
        tool = "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
        made = ["-generate", "types,client", "-package", "api", "-o", str(folder / "api" / "api.go"), str(document)]
        ran(["go", "mod", "download"], folder)
        silent(["go", "tool", tool, *made], folder)
        silent(["go", "vet", "./api"], folder)

    def tell(self, folder: Path, url: str, picture: Path) -> None:
        shutil.copy(HERE / "go" / "story.go", folder)
        silent(["go", "vet", "./..."], folder)
        ran(["go", "run", ".", url, str(picture)], folder)


LANGUAGES: tuple[Language, ...] = (Python(), TypeScript(), Go())


def cached(name: str, lock: Path) -> Path:
    """Where a generator's programs stay: below $XDG_CACHE_HOME/cqworker/generators, by the digest of their lock."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cqworker" / "generators"
    return base / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
