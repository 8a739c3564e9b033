"""The engines as a command: `python -m tests.engines [--fetch] [-- COMMAND …]`."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
from types import FrameType

from tests.engines.artefacts import EngineError, cache_folder
from tests.engines.running import Engines, engines_running, fetch


def main() -> int:
    """Runs the command with the engines around it and returns its exit code; 1 when an engine cannot be had."""
    arguments = _arguments()
    try:
        if arguments.fetch:
            fetch()
            print(f"engines: ready in {cache_folder()}")
            return 0
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with it ignored
        with engines_running() as engines:
            return _run(engines, arguments.command) if arguments.command else _stay(engines)
    except EngineError as error:
        print(f"engines: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.engines", description=__doc__)
    parser.add_argument("--fetch", action="store_true", help="only fill the cache")
    parser.add_argument("command", nargs="*", help="what to run; without it the engines stay until Ctrl-C")
    return parser.parse_args()


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _exports(engines: Engines) -> str:
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in engines.environment().items())


def _stay(engines: Engines) -> int:
    try:
        print(_exports(engines), flush=True)
        print("engines: running; Ctrl-C stops them", file=sys.stderr)
        signal.pause()
    except KeyboardInterrupt:
        print("engines: stopping", file=sys.stderr)
    return 0


def _run(engines: Engines, command: list[str]) -> int:
    """Ctrl-C reaches the command by itself; SIGTERM is passed on, and the engines outlive the command."""
    print(_exports(engines), file=sys.stderr, flush=True)
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        process = subprocess.Popen(command, env=os.environ | engines.environment())
    except OSError as error:
        raise EngineError(f"cannot run {command[0]}: {error.strerror}") from error
    signal.signal(signal.SIGTERM, lambda number, _frame: process.send_signal(number))
    code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
