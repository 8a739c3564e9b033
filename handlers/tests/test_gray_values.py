"""image.grayscale: the grey of every pixel, by the kind of picture."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from PIL import Image, ImageCms

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
REDS, GREENS, BLUES = 76, 150, 29  # ITU-R 601-2: 0.299 R + 0.587 G + 0.114 B


def test_colours_become_their_luminance(studio: Any) -> None:
    image = studio.gray(studio.encoded(studio.of("RGB", [[RED, GREEN], [BLUE, WHITE]]), "PNG"))
    assert (image.mode, studio.rows(image)) == ("L", [[REDS, GREENS], [BLUES, 255]])


def test_grey_of_16_bits_is_scaled_by_its_high_byte(studio: Any) -> None:
    levels = [0, 255, 256, 300, 32_767, 32_768, 65_279, 65_535]
    data = b"\x00" + struct.pack(">8H", *levels)
    image = studio.gray(studio.png((8, 1), 16, 0, data))
    assert (image.mode, studio.rows(image)) == ("L", [[level >> 8 for level in levels]])


def test_grey_of_16_bits_is_read_through_its_profile_before_it_loses_bits(studio: Any) -> None:
    levels = [0, 0x0180, 0x2000, 0x4000, 0x8000, 0xE000]
    image = studio.gray(studio.png((6, 1), 16, 0, b"\0" + struct.pack(">6H", *levels), studio.linear_grey))
    wanted = [0, 18, 99, 137, 188, 240]  # IEC 61966-2-1: what a display shows for so much light
    assert (image.mode, studio.rows(image)) == ("L", [[pytest.approx(level, abs=1) for level in wanted]])


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_grey_of_fewer_bits_is_read_through_its_profile(studio: Any, depth: int) -> None:
    middle = {1: 1, 2: 2, 4: 8, 8: 2}[depth]
    row = bytes([0, middle << 8 - depth & 255])
    light = middle / ((1 << depth) - 1)
    shown = 255 * (1.055 * light ** (1 / 2.4) - 0.055)
    image = studio.gray(studio.png((1, 1), depth, 0, row, studio.linear_grey))
    assert studio.rows(image) == [[pytest.approx(shown, abs=1)]]


def test_the_transparent_grey_of_16_bits_becomes_alpha(studio: Any) -> None:
    data = b"\x00" + struct.pack(">3H", 0x1234, 0x1235, 0x3400)
    image = studio.gray(studio.png((3, 1), 16, 0, data, (b"tRNS", struct.pack(">H", 0x1234))))
    assert (image.mode, studio.rows(image)) == ("LA", [[(0x12, 0), (0x12, 255), (0x34, 255)]])


def test_colours_and_alpha_of_16_bits_are_scaled(studio: Any) -> None:
    colours = studio.png((1, 1), 16, 2, b"\x00" + struct.pack(">3H", 0x80FF, 0x80FF, 0x80FF))
    assert studio.rows(studio.gray(colours)) == [[0x80]]
    grey_and_alpha = studio.png((1, 1), 16, 4, b"\x00" + struct.pack(">2H", 0x80FF, 0x40FF))
    assert studio.rows(studio.gray(grey_and_alpha)) == [[(0x80, 0x40)]]


def test_a_palette_is_looked_up(studio: Any) -> None:
    image = studio.of("RGB", [[RED, GREEN], [BLUE, WHITE]]).convert("P", palette=Image.Palette.ADAPTIVE)
    assert studio.rows(studio.gray(studio.encoded(image, "PNG"))) == [[REDS, GREENS], [BLUES, 255]]


def test_a_palettes_transparent_entries_become_alpha(studio: Any) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *BLUE])
    image.putpixel((1, 0), 1)
    made = studio.gray(studio.encoded(image, "PNG", transparency=b"\x40\xff"))
    assert (made.mode, studio.rows(made)) == ("LA", [[(REDS, 0x40), (BLUES, 255)]])


@pytest.mark.parametrize(
    ("mode", "pixels", "clear", "made"),
    [
        ("L", [10, 20], 10, [(10, 0), (20, 255)]),
        ("RGB", [RED, BLUE], RED, [(REDS, 0), (BLUES, 255)]),
        ("1", [0, 255], 0, [(0, 0), (255, 255)]),
    ],
)
def test_a_transparent_colour_becomes_alpha(studio: Any, mode: str, pixels: Any, clear: Any, made: Any) -> None:
    data = studio.encoded(studio.of(mode, [pixels]), "PNG", transparency=clear)
    assert studio.rows(studio.gray(data)) == [made]


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_png_keeps_its_alpha(studio: Any, mode: str) -> None:
    row = [(90, 7), (90, 255)] if mode == "LA" else [(*RED, 7), (*BLUE, 255)]
    image = studio.gray(studio.encoded(studio.of(mode, [row]), "PNG"))
    assert (image.format, image.mode) == ("PNG", "LA")
    assert studio.rows(image) == [[(90, 7), (90, 255)] if mode == "LA" else [(REDS, 7), (BLUES, 255)]]


def test_lossless_webp_stays_lossless_and_keeps_its_alpha(studio: Any) -> None:
    source = studio.of("RGBA", [[(*RED, 0), (*GREEN, 9)], [(*BLUE, 200), (*WHITE, 255)]])
    image = studio.gray(studio.encoded(source, "WEBP", lossless=True, exact=True))
    assert (image.format, image.mode) == ("WEBP", "RGBA")
    grays = [[(REDS, 0), (GREENS, 9)], [(BLUES, 200), (255, 255)]]
    assert studio.rows(image) == [[(level, level, level, alpha) for level, alpha in row] for row in grays]


def test_lossy_webp_is_grey(studio: Any) -> None:
    image = studio.gray(studio.encoded(Image.new("RGB", (32, 32), RED), "WEBP", quality=80))
    assert image.format == "WEBP"
    assert all(max(abs(band - REDS) for band in pixel) <= 3 for row in studio.rows(image) for pixel in row)


@pytest.mark.parametrize(("ink", "level"), [((0, 0, 0, 0), 255), ((0, 0, 0, 255), 0), ((0, 255, 255, 0), REDS)])
def test_a_cmyk_jpeg_is_read_as_inks(studio: Any, ink: tuple[int, ...], level: int) -> None:
    image = studio.gray(studio.encoded(Image.new("CMYK", (16, 16), ink), "JPEG", quality=100))
    assert (image.format, image.mode) == ("JPEG", "L")
    assert abs(image.getpixel((8, 8)) - level) <= 2


def test_a_black_and_white_picture_becomes_grey(studio: Any) -> None:
    image = studio.gray(studio.encoded(studio.of("1", [[0, 255]]), "PNG"))
    assert (image.mode, studio.rows(image)) == ("L", [[0, 255]])


def test_a_jpeg_keeps_its_size_and_its_luminance(studio: Any) -> None:
    image = studio.gray(studio.encoded(Image.new("RGB", (4001, 63), GREEN), "JPEG"))
    assert (image.format, image.mode, image.size) == ("JPEG", "L", (4001, 63))
    assert abs(image.getpixel((4000, 62)) - GREENS) <= 2


def test_colours_are_read_through_their_profile(studio: Any) -> None:
    lab_grey = ImageCms.createProfile("sRGB")
    same = ImageCms.ImageCmsProfile(lab_grey).tobytes()
    swapped = same.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")
    image = studio.of("RGB", [[RED, BLUE]])
    plain = studio.rows(studio.gray(studio.encoded(image, "PNG", icc_profile=same)))
    turned = studio.rows(studio.gray(studio.encoded(image, "PNG", icc_profile=swapped)))
    assert plain == [[REDS, BLUES]]
    assert turned == [[BLUES, REDS]]


@pytest.mark.parametrize("profile", [b"no profile", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()])
def test_a_profile_that_does_not_fit_is_passed_over(studio: Any, profile: bytes) -> None:
    image = studio.of("RGB", [[RED, BLUE]])
    assert studio.rows(studio.gray(studio.encoded(image, "PNG", icc_profile=profile))) == [[REDS, BLUES]]
