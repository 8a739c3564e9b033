"""Lays the pages of the site ready: docs/ as it is, and README.md and its neighbours as pages beside it.

What the pages link to outside of docs/ (a configuration file, a folder) is not part of the site: such a link becomes
its text, so that one Markdown serves the repository and the site. No generator needs hooks for that.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = "docs"
BESIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
"""Files beside docs/ that are pages of the site, by their names there; one that is missing is left out."""
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
FENCE = re.compile(r"(?ms)(^```.*?^```$)")


def stage(root: Path, target: Path) -> None:
    """Writes every page of the site to `target`, which is emptied first."""
    shutil.rmtree(target, ignore_errors=True)
    pages = {f"{FOLDER}/{path.relative_to(root / FOLDER).as_posix()}" for path in (root / FOLDER).rglob("*.md")}
    pages |= {name for name in BESIDE if (root / name).exists()}
    for place in sorted(pages):
        page = target / str(_page_of(place, pages))
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(relinked((root / place).read_text(encoding="utf-8"), place, pages), encoding="utf-8")


def relinked(markdown: str, place: str, pages: set[str]) -> str:
    """The text that lies at `place` in the repository, with the links that its page of the site needs.

    `pages` are the places of all pages. Examples between fences are left alone.
    """
    here = posixpath.dirname(_page_of(place, pages) or "") or "."

    def relink(found: re.Match[str]) -> str:
        text, goal = found.groups()
        path, hash_sign, heading = goal.partition("#")
        if not path or re.match(r"[a-z]+:", goal):
            return found[0]
        page = _page_of(posixpath.normpath(posixpath.join(posixpath.dirname(place), path)), pages)
        return text if page is None else f"[{text}]({posixpath.relpath(page, here)}{hash_sign}{heading})"

    parts = FENCE.split(markdown)
    return "".join(part if FENCE.fullmatch(part) else LINK.sub(relink, part) for part in parts)


def _page_of(place: str, pages: set[str]) -> str | None:
    """The site's page of what lies there in the repository, if it is one."""
    if place not in pages:
        return None
    return BESIDE.get(place) or place.removeprefix(f"{FOLDER}/")


if __name__ == "__main__":
    stage(ROOT, Path(sys.argv[1]))
