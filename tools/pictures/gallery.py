"""The pictures: Pillow's test files as they are, and those that the handler refuses by their format written anew."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

OWN = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")
MOST_PIXELS = 30_000_000
"""Of a picture that is written anew: the whole is to take minutes."""
_WAYS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "PNG": (("1", "L", "LA", "I;16", "P", "RGB", "RGBA"), {}),
    "JPEG": (("L", "RGB", "CMYK"), {"quality": 95}),
    "WEBP": (("RGB", "RGBA"), {"lossless": True, "exact": True}),
}


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A picture's name and bytes."""

    name: str
    data: bytes


def exhibits(folder: Path) -> Iterator[Exhibit]:
    """Every file, and what can be written anew of those in other formats, in the order of their names."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name, data = str(file.relative_to(folder)), file.read_bytes()
        yield Exhibit(name, data)
        if not data.startswith(OWN):
            yield from (Exhibit(f"{name} as {kind}", made) for kind, made in _written_anew(data))


def _written_anew(data: bytes) -> Iterator[tuple[str, bytes]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data)) as image:
                if image.width * image.height > MOST_PIXELS:
                    return
                image.load()
                still = image.copy()
        except Exception:  # noqa: BLE001 - many of them are there to break a decoder
            return
        for kind, (modes, options) in _WAYS.items():
            shown = still if still.mode in modes else still.convert("RGBA" if still.has_transparency_data else "RGB")
            if shown.mode not in modes:
                shown = shown.convert("RGB")
            buffer = io.BytesIO()
            try:
                shown.save(buffer, kind, icc_profile=still.info.get("icc_profile"), **options)
            except (OSError, ValueError, OverflowError):  # a picture without pixels, or with sides that WebP has not
                continue
            yield kind, buffer.getvalue()
