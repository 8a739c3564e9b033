"""Where a PNG picture is transparent by its one transparent colour (PNG, 11.3.1.1: tRNS)."""

from __future__ import annotations

import io
from functools import reduce

from PIL import Image, ImageChops

from cqworker_handlers.grey import bytes_of, where
from cqworker_handlers.png import COLOURS, GREY, Png


def opaque_of(png: Png, image: Image.Image) -> Image.Image | None:
    """0 where a decoded picture has its transparent colour in all its bits, else 255; None where it has no such colour.

    Pillow's own word for that colour is not asked: of colours of 16 bits it compares the high bytes alone, and of grey
    of 2 and 4 bits it compares values from before they are spread over 0 to 255 with those from after.
    """
    if png.clear is None:
        return None
    if (png.colour, png.depth) == (GREY, 16):
        return ImageChops.invert(_and_bands(bytes_of(image), divmod(png.clear[0], 256)))
    if png.colour == GREY:
        return ImageChops.invert(where(image.convert("L"), png.clear[0] * 255 // ((1 << png.depth) - 1)))
    if png.depth == 8:
        return ImageChops.invert(_all(image, png.clear))
    high, low = zip(*(divmod(sample, 256) for sample in png.clear), strict=True)
    return ImageChops.invert(ImageChops.darker(_all(image, high), _all(_low_bytes(png), low)))


def _low_bytes(png: Png) -> Image.Image:
    """The colours of 16 bits once more, of each sample the byte that is thrown away otherwise."""
    image = Image.open(io.BytesIO(png.file()), formats=("PNG",))
    assert png.colour == COLOURS
    image.tile = [tile._replace(args="RGB;16L") for tile in image.tile]  # bytes the other way round
    image.load()
    return image


def _and_bands(bands: tuple[Image.Image, Image.Image], values: tuple[int, int]) -> Image.Image:
    return ImageChops.darker(where(bands[0], values[0]), where(bands[1], values[1]))


def _all(image: Image.Image, values: tuple[int, ...]) -> Image.Image:
    return reduce(ImageChops.darker, (where(band, value) for band, value in zip(image.split(), values, strict=True)))
