"""image.grayscale: JPEG files that lack their end, or more."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from PIL import Image

from cqworker_handlers.jpeg import read_jpeg
from cqworker_handlers.whole import is_whole

KINDS = {
    "baseline": ("RGB", {}),
    "without subsampling": ("RGB", {"subsampling": 0, "quality": 97}),
    "progressive": ("RGB", {"progressive": True}),
    "optimised": ("RGB", {"optimize": True}),
    "with restarts": ("RGB", {"restart_marker_blocks": 5}),
    "progressive with restarts": ("RGB", {"progressive": True, "restart_marker_rows": 1}),
    "grey": ("L", {}),
    "of inks": ("CMYK", {}),
}
END = b"\xff\xd9"


def jpeg(studio: Any, kind: str) -> bytes:
    mode, options = KINDS[kind]
    bands = [Image.linear_gradient("L").resize((90, 70)), Image.effect_noise((90, 70), 60)]
    data: bytes = studio.encoded(Image.merge("RGB", (*bands, bands[0])).convert(mode), "JPEG", **options)
    return data


def pixels_of(data: bytes) -> int:
    """Where the last scan's pixels begin."""
    scan = data.rindex(b"\xff\xda")
    return scan + 2 + int.from_bytes(data[scan + 2 : scan + 4], "big")


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_lacks_its_end_alone_is_turned_grey(studio: Any, kind: str) -> None:
    data = jpeg(studio, kind)
    whole = studio.rows(studio.gray(data))
    for cut in (data[:-1], data[:-2]):
        assert studio.rows(studio.gray(cut)) == whole


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_picture_is_refused_with_an_end_and_without(studio: Any, kind: str) -> None:
    data = jpeg(studio, kind)
    for cut in (data[: len(data) // 2], data[: len(data) // 2] + END):
        assert "cut off or damaged" in studio.refusal(cut)


@pytest.mark.parametrize("kind", KINDS)
def test_wherever_its_last_scan_was_cut_a_picture_is_not_whole(studio: Any, kind: str) -> None:
    data = jpeg(studio, kind)
    assert is_whole(read_jpeg(data))
    chance = random.Random(1)
    for place in {len(data) - 3, len(data) - 4, *chance.sample(range(pixels_of(data), len(data) - 4), 20)}:
        assert not is_whole(read_jpeg(data[:place] + END)), place


@pytest.mark.parametrize("kind", ["with restarts", "progressive with restarts"])
def test_a_stretch_between_restarts_is_missed(studio: Any, kind: str) -> None:
    data = jpeg(studio, kind)
    marks = [data.index(b"\xff" + bytes([0xD0 + number]), pixels_of(data)) for number in (1, 2)]
    assert not is_whole(read_jpeg(data[: marks[0]] + data[marks[1] :]))


def test_a_progressive_picture_without_its_last_scan_is_whole_if_it_says_that_it_ends(studio: Any) -> None:
    data = jpeg(studio, "progressive")
    cut = data[: data.rindex(b"\xff\xc4")]
    assert is_whole(read_jpeg(cut + END)), "an encoder may leave it out"
    assert not is_whole(read_jpeg(cut)), "a connection may have broken"


def test_a_component_that_never_comes_is_missed(studio: Any) -> None:
    data = jpeg(studio, "progressive")
    scans = [found for found in range(len(data)) if data[found : found + 2] == b"\xff\xda"]
    first_of_colour = next(scan for scan in scans if data[scan + 4 : scan + 6] != b"\x01\x01" and data[scan + 4] == 1)
    assert is_whole(read_jpeg(data[:first_of_colour] + END))  # all their lowest coefficients came in the first scan
    begun = data.replace(data[scans[0] : scans[0] + 14], b"\xff\xda\x00\x08\x01\x01\x00\x00\x00\x01", 1)
    assert not is_whole(read_jpeg(begun[: begun.index(b"\xff\xc4", scans[0])] + END))


@pytest.mark.parametrize("extra", [b"\0" * 50, b"\xff\x00" * 7, b"\xff\xff\xff"])
def test_padding_before_the_end_is_borne(studio: Any, extra: bytes) -> None:
    data = jpeg(studio, "baseline")
    assert studio.rows(studio.gray(data[:-2] + extra + END)) == studio.rows(studio.gray(data))


def test_a_file_that_ends_in_its_header_is_refused(studio: Any) -> None:
    data = jpeg(studio, "baseline")
    for place in itertools.chain(range(3, 40), range(40, pixels_of(data), 20)):
        assert "cut off or damaged" in studio.refusal(data[:place])


@pytest.mark.parametrize(
    ("at", "value", "said"),
    [
        (4, 12, "has 12 bits for each colour; only pictures of 8 are decoded"),
        (4, 16, "has 16 bits"),
        (9, 2, "has 2 colours; pictures of 1, 3 and 4 are decoded"),
        (1, 0xC7, "rare kind that is not decoded (SOF7)"),
        (1, 0xCB, "rare kind that is not decoded (SOF11)"),
    ],
)
def test_what_is_not_decoded_is_called_by_its_name(studio: Any, at: int, value: int, said: str) -> None:
    data = bytearray(jpeg(studio, "baseline"))
    data[data.index(b"\xff\xc0") + at] = value
    assert said in studio.refusal(bytes(data))


def test_a_picture_whose_height_comes_later_is_refused_with_the_reason(studio: Any) -> None:
    data = bytearray(jpeg(studio, "baseline"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 7] = b"\0\0"
    assert "how high and wide" in studio.refusal(bytes(data))


@pytest.mark.parametrize("colours", [1, 3])
def test_a_lossless_jpeg_is_decoded(studio: Any, colours: int) -> None:
    """8 by 8 pixels, each predicted from its left neighbour and none different from it (T.81, H.1): all are 128."""
    frame = bytes([8, 0, 8, 0, 8, colours]) + b"".join(bytes([number + 1, 0x11, 0]) for number in range(colours))
    table = bytes([0, 1, *[0] * 15, 0])
    scan = bytes([colours]) + b"".join(bytes([number + 1, 0]) for number in range(colours)) + bytes([1, 0, 0])
    segments = ((0xC3, frame), (0xC4, table), (0xDA, scan))
    head = b"".join(b"\xff" + bytes([name]) + (len(body) + 2).to_bytes(2, "big") + body for name, body in segments)
    image = studio.gray(b"\xff\xd8" + head + b"\0" * (8 * colours) + END)
    assert (image.format, image.size) == ("JPEG", (8, 8))
    assert all(abs(level - 128) <= 1 for row in studio.rows(image) for level in row)
