"""Writes every golden file anew, and says which changed."""

from __future__ import annotations

import sys

from tests.golden.texts import FOLDER, MAKERS


def main() -> None:
    for path in FOLDER.iterdir():
        if path.name not in MAKERS:
            path.unlink()
            sys.stdout.write(f"removed {path.name}\n")
    for name, make in MAKERS.items():
        path, text = FOLDER / name, make()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {name}\n")
    sys.stdout.write("The golden files are what the code says. Look at: git diff tests/golden\n")


if __name__ == "__main__":
    main()
