"""Handlers for processes of their own, in a module that costs a child little to import."""

from __future__ import annotations

import os
import subprocess
import time
from typing import Any

from cqworker import Job, Reject, handler


@handler(executor="process", max_attempts=1)
def act(payload: dict[str, Any], job: Job) -> dict[str, int]:
    """Does what the payload says."""
    match payload["do"]:
        case "leave":
            raise SystemExit(3)
        case "reject":
            raise Reject("no")
        case "sleep":
            with open(payload["file"], "w", encoding="utf-8") as file:  # noqa: PTH123 - a child imports little
                file.write(str(os.getpid()))
            time.sleep(60)
        case _:
            pass
    return {"pid": os.getpid()}


@handler(executor="process", timeout=1, max_attempts=1)
def oversleep(payload: dict[str, Any], job: Job) -> str:
    """Tells its process, and sleeps beyond its time without a look around."""
    with open(payload["file"], "w", encoding="utf-8") as file:  # noqa: PTH123 - a child imports little
        file.write(str(os.getpid()))
    time.sleep(60)
    return "never told"


@handler(executor="process", memory=64, max_attempts=2)
def eat(payload: dict[str, Any], job: Job) -> str:
    """Holds on to so many MiB, bite by bite, and tells how its process stands."""
    held = [bytearray(1 << 20) for _ in range(payload["mib"])]
    time.sleep(payload.get("seconds", 0))
    with open("/proc/self/oom_score_adj", encoding="ascii") as file:  # noqa: PTH123 - a child imports little
        return f"{len(held)} MiB, {file.read().strip()} for the kernel"


@handler(executor="process")
def feast(payload: dict[str, Any], job: Job) -> int:
    """Takes what it wants, without a bound."""
    return len(bytearray(payload["mib"] << 20)) >> 20


@handler(executor="process", timeout=5, max_attempts=1)
def chatter(payload: dict[str, Any], job: Job) -> int:
    """Uses the standard streams as native code and programs do, below Python's own; tells its process."""
    match payload["do"]:
        case "print":
            os.write(1, b"x\n")
        case "echo":
            subprocess.run(["echo", "hi"], check=True)
        case "flood":
            os.write(2, b"x" * 300_000)
        case "read":
            subprocess.run(["cat"], check=True)
        case _:
            pass
    return os.getpid()


@handler(executor="process", timeout=10, max_attempts=1)
def endure(payload: dict[str, Any], job: Job) -> int:
    """Tells its process, waits to be let go, and ends a program as one does."""
    with open(payload["file"], "w", encoding="utf-8") as file:  # noqa: PTH123 - a child imports little
        file.write(str(os.getpid()))
    while os.path.exists(payload["file"]):  # noqa: PTH110 - a child imports little
        time.sleep(0.05)
    program = subprocess.Popen(["sleep", "60"])
    program.terminate()
    return program.wait()
