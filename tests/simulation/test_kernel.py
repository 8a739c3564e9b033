"""The ground of the simulation: frozen, suspended and killed processes behave as real ones do."""

from __future__ import annotations

import asyncio

from tests.simulation.kernel import Guest, Kernel


class Diary:
    """A process that notes its own monotonic time every second."""

    def __init__(self, kernel: Kernel, name: str) -> None:
        self.guest = kernel.guest(name)
        self.ticks: list[tuple[float, float]] = []
        self.closed = False
        self._kernel = kernel
        self.guest.call_soon(lambda: self.guest.create_task(self._live()))

    async def _live(self) -> None:
        try:
            while True:
                await asyncio.sleep(1)
                self.ticks.append((round(self._kernel.now, 3), round(asyncio.get_running_loop().time(), 3)))
        finally:
            self.closed = True


def live(kernel: Kernel, world: Guest, seconds: float) -> None:
    kernel.run(world, asyncio.sleep(seconds))


def test_every_process_lives_in_the_same_time() -> None:
    kernel = Kernel()
    world = kernel.guest("world")
    diaries = [Diary(kernel, name) for name in "ab"]
    live(kernel, world, 3.5)
    assert [diary.ticks for diary in diaries] == [[(1, 1), (2, 2), (3, 3)]] * 2
    kernel.bury()


def test_a_frozen_process_does_nothing_and_finds_that_time_went_on() -> None:
    kernel = Kernel()
    world = kernel.guest("world")
    frozen, other = Diary(kernel, "frozen"), Diary(kernel, "other")
    live(kernel, world, 1.5)
    kernel.freeze([frozen.guest], 5)
    live(kernel, world, 6.5)
    assert frozen.ticks == [(1, 1), (6.5, 6.5), (7.5, 7.5)]
    assert len(other.ticks) == 7
    kernel.bury()


def test_the_monotonic_clock_of_a_suspended_process_stops() -> None:
    kernel = Kernel()
    world = kernel.guest("world")
    suspended = Diary(kernel, "suspended")
    live(kernel, world, 1.5)
    kernel.freeze([suspended.guest], 5, clock_stops=True)
    live(kernel, world, 6.6)
    assert suspended.ticks == [(1, 1), (7, 2), (8, 3)]
    kernel.bury()


def test_no_code_of_a_killed_process_runs_not_even_its_finally() -> None:
    kernel = Kernel()
    world = kernel.guest("world")
    killed = Diary(kernel, "killed")
    live(kernel, world, 1.5)
    killed.guest.kill()
    live(kernel, world, 5)
    assert (killed.ticks, killed.closed) == ([(1, 1)], False)
    kernel.bury()


def test_an_error_that_reaches_an_event_loop_is_kept() -> None:
    kernel = Kernel()
    world = kernel.guest("world")
    world.call_later(1, lambda: 1 / 0)
    live(kernel, world, 2)
    assert "ZeroDivisionError" in kernel.mishaps[0]
    kernel.bury()
