"""`python -m tests.generators [LANGUAGE …]`: generated clients are made, compiled and used on a started daemon."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import orjson

from tests.generators.languages import LANGUAGES, Language
from tests.generators.payloads import hard_description
from tests.generators.running import GeneratorError
from tests.processes.daemon import Daemon
from tests.web.conformance import validator

PAGES = {
    "/": "IndexView",
    "/handlers": "HandlersView",
    "/healthz": "HealthView",
    "/readyz": "ReadinessView",
    "/status": "StatusView",
}
"""By address, the component that an answer has to fit."""
PICTURE = Path(__file__).parents[2] / "handlers" / "cqworker_handlers" / "demo" / "astronaut.jpg"


def main(names: list[str]) -> int:
    """Tells of each language on a line; 1 where one failed."""
    chosen = [language for language in LANGUAGES if not names or language.name.lower() in map(str.lower, names)]
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(os.environ, Path(folder), ("dev", "--port", "0"))
        try:
            described = Path(folder) / "openapi.json"
            described.write_bytes(orjson.dumps(daemon.get("/openapi.json").body))
            _hold_pages(daemon)
            failed = [language.name for language in chosen if not _is_content(language, described, daemon.url)]
            daemon.signal(signal.SIGTERM)
            daemon.exit_code()
        finally:
            daemon.close()
    print(f"api: {len(chosen) - len(failed)} of {len(chosen)} clients were made, compiled and used")
    return 1 if failed or not chosen else 0


def _hold_pages(daemon: Daemon) -> None:
    """What a whole daemon shows of itself is as described, too; raises AssertionError otherwise."""
    for path, model in PAGES.items():
        answer = daemon.get(path)
        assert answer.status == 200, answer
        faults = [f"{error.json_path}: {error.message}" for error in validator(model).iter_errors(answer.body)]
        assert not faults, (path, faults)


def _is_content(language: Language, described: Path, url: str) -> bool:
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            language.make(described, Path(folder))
            language.tell(Path(folder), url, PICTURE)
        with tempfile.TemporaryDirectory() as folder:
            hard = Path(folder) / "hard.json"
            hard.write_bytes(hard_description())
            client = Path(folder) / "client"
            client.mkdir()
            language.make(hard, client)
    except GeneratorError as error:
        print(f"api: {language.name}: {error}", file=sys.stderr)
        return False
    print(f"api: {language.name}: generated, compiled and used in {time.monotonic() - started:.0f} s", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
