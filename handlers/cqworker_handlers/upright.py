"""Which way is up: the orientation that a camera noted."""

from __future__ import annotations

from PIL import ExifTags, Image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by the value of its Orientation tag (Exif 2.32, tag 0x0112)."""


def orientation_of(image: Image.Image) -> int:
    """The Orientation tag, 1 (upright) where there is none or the metadata cannot be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001  # broken metadata does not make a picture worse
        return 1
    return value if isinstance(value, int) else 1


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as it was seen through the camera."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)
