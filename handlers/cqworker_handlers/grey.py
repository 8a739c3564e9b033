"""Grey values of a decoded picture of any mode: L, or LA where it has transparency."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image, ImageCms

from cqworker import Reject

STRIP = 256
"""Rows that are converted at a time: what lies between the two pictures takes no room of its own."""
_PLAIN = frozenset({"I;16", "L", "LA", "RGB", "RGBA", "CMYK"})
Reading = Callable[[Image.Image], Image.Image]


def gray(image: Image.Image, profile: bytes | None, opaque: Image.Image | None = None) -> Image.Image:
    """The luminance of each pixel (ITU-R 601-2, as Pillow computes it); transparency is kept as it is.

    Colours are read through the ICC profile, where there is one that fits. Grey of 16 bits is scaled to 8 by its high
    byte. `opaque` (L) is the alpha of a picture that has none of its own.
    """
    width, height = image.size
    first = _plain(image.crop((0, 0, width, 1)))
    has_alpha = opaque is not None or first.mode in ("LA", "RGBA")
    reading = _reading(first.mode.removesuffix("A"), profile)
    made = Image.new("LA" if has_alpha else "L", image.size)
    for top in range(0, height, STRIP):
        box = (0, top, width, min(top + STRIP, height))
        strip = _plain(image.crop(box))
        if opaque is not None:
            made.paste(Image.merge("LA", (reading(strip), opaque.crop(box))), box)
        elif has_alpha:
            colours = strip.convert(strip.mode.removesuffix("A"))
            made.paste(Image.merge("LA", (reading(colours), strip.getchannel("A"))), box)
        else:
            made.paste(reading(strip), box)
    return made


def where(image: Image.Image, value: int) -> Image.Image:
    """255 where a picture of one band has this value, 0 elsewhere."""
    return image.point([255 if level == value else 0 for level in range(256)])


def bytes_of(image: Image.Image) -> tuple[Image.Image, Image.Image]:
    """The high and the low bytes of grey of 16 bits."""
    values = image.tobytes()
    return Image.frombytes("L", image.size, values[1::2]), Image.frombytes("L", image.size, values[0::2])


def _plain(image: Image.Image) -> Image.Image:
    """One of the modes above: palettes looked up, their transparent entries made an alpha channel."""
    if image.mode == "P":
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode == "1":
        return image.convert("L")
    if image.mode not in _PLAIN:
        raise Reject(f"The picture's pixels are of a kind that is not turned grey ({image.mode}).")
    return image


def _reading(mode: str, profile: bytes | None) -> Reading:
    """What makes colours of one of the modes grey: through the profile, or as they are where it does not fit them."""
    transform = _transform(mode, profile) if profile else None
    if transform is not None and mode == "L":
        levels = _apply(Image.frombytes("L", (256, 1), bytes(range(256))), transform).convert("L").tobytes()
        return lambda strip: strip.point(list(levels))
    if transform is not None:
        return lambda strip: _apply(strip, transform).convert("L")
    if mode == "I;16":
        return lambda strip: bytes_of(strip)[0]
    if mode == "CMYK":
        return lambda strip: strip.convert("RGB").convert("L")
    return lambda strip: strip.convert("L")


def _transform(mode: str, profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """From these colours to sRGB; None for a profile that cannot be read, or is of other colours.

    Grey goes the long way: Little CMS's short cuts give half of their light to the darkest tones of a linear profile.
    """
    flags = ImageCms.Flags.NOOPTIMIZE if mode in ("L", "I;16") else ImageCms.Flags.NONE
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB", flags=flags)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _apply(strip: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    converted = ImageCms.applyTransform(strip, transform)
    assert converted is not None
    return converted
