"""Makes a release of what is committed here: `make release VERSION=0.2.0`.

All of it happens in a work tree aside, and comes here when everything has passed. Nothing is tagged, pushed, published.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.version import InvalidVersion, Version

from tools.release import ReleaseRefusedError
from tools.release.building import build, checksums, require_alike, require_fit, require_names, run
from tools.release.versions import parse, require_newer, versions_in, with_section, with_version

ROOT = Path(__file__).parents[2]
PROJECTS = ("pyproject.toml", "handlers/pyproject.toml")
NEXT = """
Nothing is tagged, pushed or published. Look at it with `git show`, then
  git tag --annotate v{version} --message 'cqworker {version}'
  git push --follow-tags
  .venv/bin/twine upload {folder}/*
or take it back with `git reset --keep HEAD~1`."""


def git(*words: str, folder: Path = ROOT) -> str:
    """What git prints, in the project or in `folder`. Raises ReleaseRefusedError when it fails."""
    return run(["git", *words], folder)


def find_tagged_versions() -> Iterator[Version]:
    """The versions that have a tag such as v0.2.0."""
    for tag in git("tag", "--list", "v*").split():
        try:
            yield Version(tag)
        except InvalidVersion:
            continue


@contextmanager
def tree_aside() -> Iterator[Path]:
    """A work tree of HEAD in a folder of its own, gone afterwards."""
    with TemporaryDirectory(prefix="cqworker-release-") as folder:
        tree = Path(folder) / "tree"
        git("worktree", "add", "--quiet", "--detach", str(tree), "HEAD")
        try:
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree))


def prepare(version: Version) -> dict[str, str]:
    """What the release changes: the new text by file. Raises ReleaseRefusedError where it may not be made."""
    changed = git("status", "--porcelain")
    if changed:
        raise ReleaseRefusedError(f"commit or remove first what is not committed:\n{changed}")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    projects = {name: (ROOT / name).read_text(encoding="utf-8") for name in PROJECTS}
    require_newer(version, projects["pyproject.toml"], [*versions_in(changelog), *find_tagged_versions()])
    day = datetime.now(UTC).date().isoformat()
    texts = {name: with_version(text, version) for name, text in projects.items()}
    return {"CHANGELOG.md": with_section(changelog, version, day), **texts}


def commit(tree: Path, texts: dict[str, str], version: Version) -> str:
    """The commit of the release in `tree`. Hooks stay out: they look for the environment that is not in there."""
    for name, text in texts.items():
        (tree / name).write_text(text, encoding="utf-8")
    git("commit", "--quiet", "--no-verify", "--all", "--message", f"Release {version}", folder=tree)
    return git("rev-parse", "HEAD", folder=tree)


def build_twice(tree: Path, made: str, version: Version) -> list[Path]:
    """Wheel and sdist of the commit `made`. Raises ReleaseRefusedError unless they are fit and come out alike twice."""
    epoch = git("show", "--no-patch", "--format=%ct", made)
    files = build(tree, tree.parent / "built", epoch)
    require_names(files, version)
    require_fit(files)
    elsewhere = tree.parent / "elsewhere"
    elsewhere.mkdir()
    git("archive", "--format=tar", f"--output={tree.parent / 'source.tar'}", made)
    run(["tar", "--extract", f"--file={tree.parent / 'source.tar'}"], elsewhere)
    require_alike(files, build(elsewhere, tree.parent / "again", epoch))
    return files


def release(version: Version) -> Path:
    """Makes the release and gives the folder of its files. Raises ReleaseRefusedError, with nothing changed."""
    texts = prepare(version)
    with tree_aside() as tree:
        made = commit(tree, texts, version)
        files = build_twice(tree, made, version)
        git("merge", "--quiet", "--ff-only", made)
        folder = ROOT / "dist" / str(version)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in files:
            shutil.copy(file, folder)
    return folder


def main(words: Sequence[str]) -> int:
    """Makes the release that is named and says what to do next; 1, with the reason, when there is none."""
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
    parser.add_argument("version", help="such as 0.2.0, newer than every release")
    try:
        version = parse(parser.parse_args(words).version)
        folder = release(version)
    except ReleaseRefusedError as refused:
        print(f"No release: {refused}", file=sys.stderr)
        return 1
    print(f"Release {version} is committed as {git('rev-parse', '--short', 'HEAD')}, built twice alike:")
    for name, checksum in checksums(sorted(folder.iterdir())).items():
        print(f"  {checksum}  {(folder / name).relative_to(ROOT)}")
    print(NEXT.format(version=version, folder=folder.relative_to(ROOT)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
