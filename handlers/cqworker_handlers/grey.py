"""Grey values of a decoded picture of any mode: L, or LA where it has transparency."""

from __future__ import annotations

import io

from PIL import Image, ImageChops, ImageCms

from cqworker import Reject

_PLAIN = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})


def gray(image: Image.Image) -> Image.Image:
    """The luminance of each pixel (ITU-R 601-2, as Pillow computes it); transparency is kept as it is.

    Colours are read through the picture's ICC profile, where it has one that fits. Grey of 16 bits is scaled to 8 by
    its high byte.
    """
    if image.mode == "I;16":
        return _of_16_bits(image)
    plain = _plain(image)
    alpha = plain.getchannel("A") if plain.mode in ("LA", "RGBA") else None
    colours = plain.convert(plain.mode.removesuffix("A")) if alpha else plain
    grey = _in_srgb(colours, image.info.get("icc_profile")).convert("L")
    if alpha is None:
        return grey
    return Image.merge("LA", (grey, alpha))


def _plain(image: Image.Image) -> Image.Image:
    """One of the modes above: palettes looked up, a transparent colour made an alpha channel."""
    if image.has_transparency_data and image.mode not in ("LA", "RGBA"):
        return image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    if image.mode in ("1", "P"):
        return image.convert("L" if image.mode == "1" else "RGB")
    if image.mode not in _PLAIN:
        raise Reject(f"The picture's pixels are of a kind that is not turned grey ({image.mode}).")
    return image


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours in sRGB; as they are where there is no profile, or one that does not fit them."""
    if profile:
        try:
            source = ImageCms.getOpenProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB") if image.mode == "CMYK" else image


def _of_16_bits(image: Image.Image) -> Image.Image:
    """The high byte of each value: Pillow's own conversion clips at 255 instead."""
    values = image.tobytes()
    high = Image.frombytes("L", image.size, values[1::2])
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return high
    low = Image.frombytes("L", image.size, values[0::2])
    is_clear = ImageChops.darker(_where(high, clear >> 8), _where(low, clear & 0xFF))
    return Image.merge("LA", (high, ImageChops.invert(is_clear)))


def _where(image: Image.Image, value: int) -> Image.Image:
    return image.point([255 if level == value else 0 for level in range(256)])
