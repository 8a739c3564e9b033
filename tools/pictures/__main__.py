"""The judge as a command: `python -m tools.pictures`; fails where handler and libvips differ without a known reason."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cqworker import Reject
from cqworker_handlers.pixels import Picture, to_gray
from tools.pictures.fetching import python_with_libvips, test_files
from tools.pictures.gallery import Exhibit, exhibits
from tools.pictures.verdicts import Verdict, verdict

MIN_PICTURES = 1000
"""Pictures that have to be judged for the whole to count."""
MEMORY, LARGEST = 4096, 33_554_432
MAX_SECONDS = 900.0
"""Seconds after which it gives up."""


def main() -> int:
    """Prints the differences with their reasons and a summary; 1 where one has none, or too few were judged."""
    began = time.monotonic()
    folder, python = test_files(), python_with_libvips()
    verdicts = list(_verdicts(folder, python, began + MAX_SECONDS))
    for found in sorted((found for found in verdicts if not found.agreed and not _is_format(found)), key=_order):
        print(f"{'known' if found.reason else 'UNEXPLAINED'}: {found.name}: {found.what}" + _because(found))
    unexplained = sum(not found.agreed and not found.reason for found in verdicts)
    reasons = Counter(found.reason for found in verdicts if not found.agreed and found.reason)
    alike = sum(found.agreed for found in verdicts)
    print(f"\npictures: {len(verdicts)} judged, {alike} alike, {unexplained} unexplained")
    for reason, count in reasons.most_common():
        print(f"pictures: {count} {reason}")
    print(f"pictures: {time.monotonic() - began:.0f} s")
    return 1 if unexplained or len(verdicts) < MIN_PICTURES else 0


def _verdicts(folder: Path, python: Path, end: float) -> Iterator[Verdict]:
    with tempfile.TemporaryDirectory() as here, _start_oracle(python) as asked:
        for exhibit in exhibits(folder):
            if time.monotonic() > end:
                print(f"pictures: gave up after {MAX_SECONDS:.0f} s at {exhibit.name}", file=sys.stderr)
                break
            yield _judge(exhibit, Path(here), asked)


def _start_oracle(python: Path) -> subprocess.Popen[str]:
    oracle, pipe = Path(__file__).with_name("oracle.py"), subprocess.PIPE
    return subprocess.Popen([python, oracle], text=True, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)


def _judge(exhibit: Exhibit, here: Path, asked: subprocess.Popen[str]) -> Verdict:
    source, made = here / "source", here / "made"
    source.write_bytes(exhibit.data)
    result = _try_handler(exhibit.data)
    if isinstance(result, Picture):
        made.write_bytes(result.data)
    assert asked.stdin is not None
    assert asked.stdout is not None
    line = {"source": str(source), "made": str(made) if isinstance(result, Picture) else None}
    print(json.dumps(line), file=asked.stdin, flush=True)
    answer = json.loads(asked.stdout.readline())
    if not isinstance(result, Picture):
        return verdict(exhibit.name, answer, refusal=result)
    return verdict(exhibit.name, answer, lossy=result.extension != "png" and b"VP8L" not in result.data[:64])


def _try_handler(data: bytes) -> Picture | str:
    """What the handler makes of a picture, or why it refuses it."""
    try:
        return to_gray(data, MEMORY, LARGEST)
    except Reject as error:
        return error.reason


def _order(found: Verdict) -> tuple[bool, str, str]:
    return not found.reason, found.reason, found.name


def _is_format(found: Verdict) -> bool:
    """Those of other formats are only counted: there are hundreds."""
    return found.reason.startswith("another format")


def _because(found: Verdict) -> str:
    return f" ({found.reason})" if found.reason else ""


if __name__ == "__main__":
    sys.exit(main())
