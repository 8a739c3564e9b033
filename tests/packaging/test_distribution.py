"""What is built is what is promised: both packages, the handlers' entry points, no moto in production."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from configparser import ConfigParser
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GROUP = "cqworker.handlers"


def project(folder: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def build(kind: str, source: Path, target: Path) -> Path:
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [built] = target.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


def inside(wheel: Path, suffix: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(f".dist-info/{suffix}")]
        return archive.read(name)


def entry_points(wheel: Path) -> ConfigParser:
    parser = ConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names are case-sensitive
    parser.read_string(inside(wheel, "entry_points.txt").decode())
    return parser


def metadata(wheel: Path) -> Message:
    return message_from_bytes(inside(wheel, "METADATA"))


def test_the_root_wheel_offers_exactly_the_handlers_that_the_handlers_project_declares(wheel: Path) -> None:
    declared = project(ROOT / "handlers")["entry-points"]
    assert dict(entry_points(wheel)[GROUP]) == declared[GROUP]
    assert declared[GROUP]


def test_the_handlers_project_built_alone_offers_the_same_handlers(wheel: Path, tmp_path: Path) -> None:
    alone = build("wheel", ROOT / "handlers", tmp_path)
    assert dict(entry_points(alone)[GROUP]) == dict(entry_points(wheel)[GROUP])


def test_the_root_wheel_installs_the_command(wheel: Path) -> None:
    assert dict(entry_points(wheel)["console_scripts"]) == {"cqworker": "cqworker.cli:main"}


def test_the_root_wheel_carries_both_packages_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" not in name}
    assert tops == {"cqworker", "cqworker_handlers"}


def test_the_root_wheel_tells_type_checkers_that_it_is_typed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert "cqworker/py.typed" in archive.namelist()


def test_the_root_distribution_requires_all_that_the_handlers_it_carries_require() -> None:
    wanted = {line for line in project(ROOT / "handlers")["dependencies"] if not line.startswith("cqworker")}
    assert wanted <= set(project(ROOT)["dependencies"])


def test_moto_comes_with_extras_alone(wheel: Path) -> None:
    wanted = [line for line in metadata(wheel).get_all("Requires-Dist", []) if line.startswith("moto")]
    assert wanted
    assert all("extra ==" in line for line in wanted)


def test_a_wheel_built_from_the_source_archive_offers_the_same_handlers(wheel: Path, tmp_path: Path) -> None:
    subprocess.run(["tar", "-C", str(tmp_path), "-xzf", str(build("sdist", ROOT, tmp_path / "sdist"))], check=True)
    [unpacked] = tmp_path.glob("cqworker-*")
    rebuilt = build("wheel", unpacked, tmp_path / "wheel")
    assert dict(entry_points(rebuilt)[GROUP]) == dict(entry_points(wheel)[GROUP])
