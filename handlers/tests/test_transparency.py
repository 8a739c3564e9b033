"""image.grayscale: the one transparent colour of a PNG, at every depth that PNG has."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from PIL import Image

from cqworker_handlers.pixels import to_gray


def packed(values: list[int], depth: int) -> bytes:
    """One row of samples: the filter byte, then `depth` bits each, the first on the left."""
    bits = "".join(f"{value:0{depth}b}" for value in values)
    bits += "0" * (-len(bits) % 8)
    return b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_of_every_grey_exactly_the_one_is_transparent(studio: Any, depth: int) -> None:
    top = (1 << depth) - 1
    levels = sorted({0, 1, top // 2, top - 1, top})
    for clear in levels:
        data = studio.png((len(levels), 1), depth, 0, packed(levels, depth), (b"tRNS", struct.pack(">H", clear)))
        image = studio.gray(data)
        assert image.mode == "LA"
        grey = [level >> 8 if depth == 16 else level * 255 // top for level in levels]
        assert studio.rows(image) == [[(grey[at], 0 if level == clear else 255) for at, level in enumerate(levels)]]


@pytest.mark.parametrize("depth", [8, 16])
def test_a_colour_is_transparent_in_all_its_bits_or_not_at_all(studio: Any, depth: int) -> None:
    clear = (0x12, 0x34, 0x56) if depth == 8 else (0x1234, 0x5678, 0x9ABC)
    others = [tuple(sample ^ (at == band) for at, sample in enumerate(clear)) for band in range(3)]
    colours = [clear, *others, clear]
    form = ">15B" if depth == 8 else ">15H"
    row = b"\0" + struct.pack(form, *(sample for colour in colours for sample in colour))
    image = studio.gray(studio.png((5, 1), depth, 2, row, (b"tRNS", struct.pack(">3H", *clear))))
    assert [alpha for _, alpha in studio.rows(image)[0]] == [0, 255, 255, 255, 0]


def test_bits_that_the_picture_does_not_have_do_not_count(studio: Any) -> None:
    grey = studio.png((2, 1), 2, 0, packed([3, 0], 2), (b"tRNS", b"\xff\xff"))
    assert studio.rows(studio.gray(grey)) == [[(255, 0), (0, 255)]]
    colours = studio.png((2, 1), 8, 2, b"\0\1\2\3\1\2\4", (b"tRNS", b"\xff\1\xff\2\xff\3"))
    assert [alpha for _, alpha in studio.rows(studio.gray(colours))[0]] == [0, 255]


@pytest.mark.parametrize(("colour", "row"), [(0, b"\0\7"), (2, b"\0\7\7\7"), (4, b"\0\7\xff"), (6, b"\0\7\7\7\xff")])
def test_a_transparency_that_means_nothing_is_passed_over(studio: Any, colour: int, row: bytes) -> None:
    image = studio.gray(studio.png((1, 1), 8, colour, row, (b"tRNS", b"\0")))
    assert studio.rows(image) == [[7 if colour in (0, 2) else (7, 255)]]


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_each_entry_of_a_palette_keeps_its_alpha(studio: Any, depth: int) -> None:
    chunks = ((b"PLTE", bytes([10, 10, 10, 90, 90, 90])), (b"tRNS", b"\x40"))
    image = studio.gray(studio.png((2, 1), depth, 3, packed([0, 1], depth), *chunks))
    assert studio.rows(image) == [[(10, 0x40), (90, 255)]]


def test_an_interlaced_picture_is_the_same_picture(studio: Any) -> None:
    """One pixel is in the first pass of Adam7 (PNG, 8.2), the next in the sixth."""
    data = bytearray(studio.png((2, 1), 16, 2, b"\0" + b"\1\2" * 3 + b"\0" + b"\1\3" * 3, (b"tRNS", b"\1\2" * 3)))
    data[28] = 1
    data[29:33] = studio.crc(bytes(data[12:29]))
    assert studio.rows(studio.gray(bytes(data))) == [[(1, 0), (1, 255)]]


def test_grey_and_alpha_of_16_bits_is_read_through_a_profile_for_grey(studio: Any) -> None:
    row = b"\0" + struct.pack(">4H", 0x2000, 0xFFFF, 0x8000, 0x4000)
    image = studio.gray(studio.png((2, 1), 16, 4, row, studio.linear_grey))
    assert studio.rows(image) == [[(pytest.approx(99, abs=1), 255), (pytest.approx(188, abs=1), 0x40)]]


def test_what_would_be_too_large_with_alpha_is_written_as_a_palette(studio: Any) -> None:
    noise = Image.effect_noise((128, 128), 60).convert("P")
    data = studio.encoded(noise, "PNG", transparency=bytes([0, 10, 20, 200] * 64))
    whole = to_gray(data, 4096, 33_554_432).data
    small = to_gray(data, 4096, len(whole) - 1).data
    images = [Image.open(io.BytesIO(made)) for made in (whole, small)]
    assert [image.mode for image in images] == ["LA", "P"]
    assert len(small) < len(whole)
    assert studio.rows(images[0].convert("RGBA")) == studio.rows(images[1].convert("RGBA"))
