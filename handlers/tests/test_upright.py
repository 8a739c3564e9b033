"""image.grayscale: orientation, and what is left of the metadata."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from PIL import ExifTags, Image, PngImagePlugin

SEEN = [[10, 20, 30], [40, 50, 60]]
STORED = {
    1: [[10, 20, 30], [40, 50, 60]],
    2: [[30, 20, 10], [60, 50, 40]],
    3: [[60, 50, 40], [30, 20, 10]],
    4: [[40, 50, 60], [10, 20, 30]],
    5: [[10, 40], [20, 50], [30, 60]],
    6: [[30, 60], [20, 50], [10, 40]],
    7: [[60, 30], [50, 20], [40, 10]],
    8: [[40, 10], [50, 20], [60, 30]],
}
"""How a camera stores SEEN under each orientation: row 0 and column 0 as Exif 2.32, tag 0x0112, says."""


def oriented(value: Any) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = value
    exif[ExifTags.Base.Artist] = "somebody"
    return exif


@pytest.mark.parametrize("orientation", sorted(STORED))
def test_a_picture_is_turned_upright_and_its_exif_dropped(studio: Any, orientation: int) -> None:
    data = studio.encoded(studio.of("L", STORED[orientation]), "PNG", exif=oriented(orientation))
    image = studio.gray(data)
    assert studio.rows(image) == SEEN
    assert not image.getexif()


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 100}), ("WEBP", {"lossless": True})])
def test_every_format_is_turned(studio: Any, kind: str, options: dict[str, Any]) -> None:
    stored = Image.new("RGB", (32, 16), "black")
    stored.paste("white", (16, 0, 32, 16))
    image = studio.gray(studio.encoded(stored, kind, exif=oriented(6), **options))
    assert image.size == (16, 32)
    assert image.convert("L").getpixel((8, 4)) <= 3
    assert image.convert("L").getpixel((8, 28)) >= 252
    assert not image.getexif()


@pytest.mark.parametrize("orientation", [0, 9])
def test_an_orientation_that_means_nothing_is_passed_over(studio: Any, orientation: object) -> None:
    image = studio.gray(studio.encoded(studio.of("L", SEEN), "PNG", exif=oriented(orientation)))
    assert studio.rows(image) == SEEN


def test_exif_that_cannot_be_read_is_passed_over(studio: Any) -> None:
    image = studio.gray(studio.encoded(studio.of("L", SEEN), "PNG", exif=b"Exif\x00\x00nonsense"))
    assert studio.rows(image) == SEEN


def test_no_metadata_of_any_kind_is_left_in_a_png(studio: Any) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "where I live")
    image = studio.gray(studio.encoded(studio.of("L", SEEN), "PNG", pnginfo=text, dpi=(72, 72)))
    assert not image.info


def test_no_metadata_of_any_kind_is_left_in_a_jpeg(studio: Any) -> None:
    source = studio.encoded(Image.new("L", (8, 8)), "JPEG", comment=b"where I live", xmp=b"<x/>", exif=oriented(1))
    image = studio.gray(source)
    assert not {"comment", "exif", "xmp", "icc_profile"} & set(image.info)


async def test_the_demo_photograph_is_shown_upright(studio: Any) -> None:
    photograph = files("cqworker_handlers").joinpath("demo", "astronaut.jpg").read_bytes()
    image = await studio.stored(photograph)
    assert (image.size, image.mode) == ((512, 512), "L")
    quarters = studio.rows(image.resize((2, 2), Image.Resampling.BOX))
    assert quarters == [
        [pytest.approx(125, abs=2), pytest.approx(162, abs=2)],
        [pytest.approx(116, abs=2), pytest.approx(60, abs=2)],
    ]
