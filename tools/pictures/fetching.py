"""Brings Pillow's test files and libvips into a cache outside the tree: for this judge alone, not for the product."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PILLOW = "13.0.0"
PILLOW_SHA256 = "cdcd1ba258178f7356d74170c9a81ba4eab6a5d55748bc402a5a2a6fe6be3510"
LIBVIPS = Path(__file__).with_name("requirements.txt")


def cache_folder() -> Path:
    """Where fetched things stay: $XDG_CACHE_HOME/cqworker/pictures, ~/.cache/cqworker/pictures without it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cqworker" / "pictures"


def test_files() -> Path:
    """The folder of Pillow's test images, from its source distribution, checked by its SHA-256."""
    home = cache_folder() / f"pillow-{PILLOW}"
    if not home.is_dir():
        cache_folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
            wanted = Path(folder, "wanted.txt")
            wanted.write_text(f"pillow=={PILLOW} --hash=sha256:{PILLOW_SHA256}\n", encoding="ascii")
            _pip(sys.executable, "download", "--no-deps", "--no-binary=:all:", f"--dest={folder}", f"-r{wanted}")
            with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as archive:
                inside = [member for member in archive.getmembers() if "/Tests/images/" in member.name]
                archive.extractall(folder, inside, filter="data")
            Path(folder, f"pillow-{PILLOW}", "Tests", "images").rename(home)
    return home


def python_with_libvips() -> Path:
    """An interpreter that has pyvips and the libvips it comes with, in an environment of its own."""
    home = cache_folder() / f"libvips-{sys.version_info.major}.{sys.version_info.minor}"
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        _pip(str(python), "install", "--require-hashes", "--prefer-binary", f"-r{LIBVIPS}")
        (home / "complete").touch()
    return python


def _pip(python: str, *arguments: str) -> None:
    subprocess.run([python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)
