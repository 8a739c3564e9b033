"""image.grayscale: how large a picture may be, told by its header before anything is decoded."""

from __future__ import annotations

from typing import Any

import pytest

from cqworker_handlers import bounds
from cqworker_handlers.jpeg import Component, Jpeg, Scan
from cqworker_handlers.png import COLOURS_ALPHA, GREY, Png
from cqworker_handlers.webp import Webp

COLOURS = tuple(Component(number, 2 if number == 1 else 1, 2 if number == 1 else 1) for number in (1, 2, 3))
SCAN = Scan((1, 2, 3), 0, 63, 0, 0)
PHONES = [(8_064, 6_048), (12_000, 9_000), (16_320, 12_240)]
"""What phones of 48, 108 and 200 megapixels take."""


def photograph(shape: tuple[int, int], process: int = 0xC0) -> Jpeg:
    return Jpeg(process, 8, *shape, COLOURS, [SCAN], profile=b"P3", metadata={"exif": b"turned"})


@pytest.mark.parametrize("shape", PHONES)
def test_what_phones_take_is_decoded_where_nobody_set_a_bound(shape: tuple[int, int]) -> None:
    bounds.check_size(photograph(shape), 30_000_000, 2048)
    assert bounds.LEAST_MEMORY <= bounds.memory_of_machine() <= bounds.MOST_MEMORY


def test_how_many_pixels_are_decoded_goes_by_the_memory(studio: Any) -> None:
    data = studio.png((9_000, 9_000), 8, 6, b"")
    assert "81 million" not in (few := studio.refusal(data, memory=512))
    assert "9000 x 9000 pixels; of such a PNG at most" in few
    assert "are decoded in 512 MiB of memory" in few
    assert "at most" not in studio.refusal(data, memory=4096)  # but that its pixels are missing


def test_how_many_pixels_are_decoded_goes_by_the_format() -> None:
    kinds = [
        Png(1, 1, 1, GREY),
        photograph((1, 1)),
        photograph((1, 1), process=0xC2),
        Png(1, 1, 8, COLOURS_ALPHA, metadata={"exif": b""}),
        Webp(1, 1, 1, is_lossless=True),
    ]
    costs = [bounds.cost(kind) for kind in kinds]
    assert costs == sorted(set(costs))


def test_a_picture_whose_kind_costs_more_is_refused_where_another_is_not(studio: Any) -> None:
    shape = (12_000, 9_000)
    assert "at most" not in studio.refusal(studio.png(shape, 8, 0, b""), memory=512)
    assert "at most" in studio.refusal(studio.png(shape, 8, 6, b""), memory=512)


async def test_the_operators_word_for_the_memory_counts(studio: Any) -> None:
    with pytest.raises(bounds.Reject, match="are decoded in 64 MiB"):
        await studio.run(studio.png((9_000, 9_000), 8, 0, b""), memory=64)


@pytest.mark.parametrize(
    ("group", "processors", "wanted"),
    [("max", 1, 4096), (str(8 << 30), 2, 3072), (str(2 << 30), 2, 768), (str(256 << 20), 8, 512), ("", 1, 4096)],
)
def test_a_picture_may_take_a_processors_share_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, group: str, processors: int, wanted: int
) -> None:
    bound = tmp_path / "memory.max"
    bound.write_text(group)
    monkeypatch.setattr(bounds, "_CGROUPS", (tmp_path / "none", bound))
    monkeypatch.setattr(bounds, "_processors", lambda: set(range(processors)))
    monkeypatch.setattr(bounds.os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 8 << 20}.__getitem__)
    assert bounds.memory_of_machine() == wanted
