"""What guards a test against hanging is as long as the machine of the moment needs: `scaled`, or `Patience`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.rails.pages import ROOT

SHORTEST = 1.0
"""Seconds from which a limit is taken for a guard: what is shorter is meant to pass, or is a pause between looks."""
NAMED = set("HTTPConnection check_output communicate create_connection join result run urlopen wait".split())
"""What takes its limit as `timeout=`."""
ELSEWHERE = ("tests/chaos/", "tests/simulation/")
"""Runs that are judged by themselves and have minutes, and what lives on virtual time."""
VIRTUAL = {
    "tests/flow/test_fleet.py: asyncio.timeout(62)",
    "tests/flow/test_virtual_time.py: asyncio.timeout(90)",
    "tests/web/test_fair_queue.py: asyncio.wait(timeout=5)",
}
"""Limits on the virtual clock."""


def limits(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Every wait that ends after some time, and what says after which."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        words, last = ast.unparse(call.func), call.args[-1] if call.args else None
        name = words.rpartition(".")[2]
        if last is not None and (
            words in ("asyncio.timeout", "asyncio.wait_for")
            or (name in ("join", "wait") and len(call.args) == 1)
            or (words == "asyncio.to_thread" and ast.unparse(call.args[0]).endswith((".join", ".wait")))
        ):
            yield f"{words}({ast.unparse(last)})", last
        for keyword in call.keywords:
            if keyword.arg == "timeout" and name in NAMED:
                yield f"{words}(timeout={ast.unparse(keyword.value)})", keyword.value


def unscaled(text: str) -> list[str]:
    """The waits that end after seconds which are written there, as a number or as a constant of the module."""
    tree = ast.parse(text)
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = []
    for words, limit in limits(tree):
        seconds = constants.get(limit.id, limit) if isinstance(limit, ast.Name) else limit
        if isinstance(seconds, ast.Constant) and isinstance(seconds.value, int | float) and seconds.value >= SHORTEST:
            found.append(words)
    return found


def test_every_guard_of_a_test_is_scaled() -> None:
    found: set[str] = set()
    for path in [*ROOT.glob("tests/**/*.py"), *ROOT.glob("handlers/tests/**/*.py")]:
        where = path.relative_to(ROOT).as_posix()
        if not where.startswith(ELSEWHERE):
            found |= {f"{where}: {words}" for words in unscaled(path.read_text(encoding="utf-8"))}
    assert found == VIRTUAL


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("asyncio.timeout(5)", ["asyncio.timeout(5)"]),
        ("asyncio.wait_for(reading(), 5)", ["asyncio.wait_for(5)"]),
        ("asyncio.to_thread(begun.wait, 5)", ["asyncio.to_thread(5)"]),
        ("thread.join(20)", ["thread.join(20)"]),
        ("subprocess.run(program, timeout=60)", ["subprocess.run(timeout=60)"]),
        ("PATIENCE = 5.0\nasyncio.timeout(PATIENCE)", ["asyncio.timeout(PATIENCE)"]),
        ("over.wait(0.1)", []),
        ("asyncio.timeout(scaled(5))", []),
        ("handler(timeout=5)", []),
    ],
)
def test_a_guard_that_is_not_scaled_is_named(text: str, words: list[str]) -> None:
    assert unscaled(text) == words
