"""What libvips makes of a picture, beside what the handler made of it: run by an interpreter that has pyvips.

Reads lines of JSON, {"source": path, "made": path or null}, and answers each with one: how libvips took the source
(`refused` says why it did not), and, where both made a picture, how far they are from each other.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pyvips

LUMA = (0.299, 0.587, 0.114)
"""ITU-R 601-2, as the handler has it; libvips' own grey is by light, not by numbers."""


def main() -> None:
    """Answers until the input ends."""
    pyvips.cache_set_max(0)  # the pictures come one after another under the same name
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = judge(asked["source"], asked["made"])
        except pyvips.Error as error:
            answer = {"refused": " ".join(str(error).split())[:300]}
        print(json.dumps(answer), flush=True)


def judge(source: str, made: str | None) -> dict[str, Any]:
    """The answer to one line; raises pyvips.Error for what libvips does not take."""
    image = pyvips.Image.new_from_file(source, fail_on="truncated")
    pages = image.get("n-pages") if "n-pages" in image.get_fields() else 1
    grey, alpha = luminance_and_alpha(upright_in_srgb(image))
    answer: dict[str, Any] = {"size": [grey.width, grey.height], "pages": pages, "bands": image.bands}
    grey.avg()  # decodes all of it
    answer["warned"] = has_warning(source)
    answer["interpretation"], answer["profile"] = image.interpretation, "icc-profile-data" in image.get_fields()
    if made is not None:
        other, its = luminance_and_alpha(pyvips.Image.new_from_file(made))
        answer["made"] = [other.width, other.height]
        if answer["made"] == answer["size"]:
            shown = (alpha / 255) * (its / 255)  # what nobody sees may have any colour
            answer |= {"grey": distance(grey * shown, other * shown), "alpha": distance(alpha, its)}
    return answer


def has_warning(source: str) -> bool:
    """Whether the decoder has a word against the file, which is none against showing it."""
    try:
        pyvips.Image.new_from_file(source, fail_on="warning").avg()
    except pyvips.Error:
        return True
    return False


def upright_in_srgb(image: pyvips.Image) -> pyvips.Image:
    """As the camera saw it, read through its profile."""
    image = image.autorot()
    if "icc-profile-data" in image.get_fields():
        try:
            return image.icc_transform("srgb", embedded=True, intent="perceptual")
        except pyvips.Error:
            image = image.copy()
            image.remove("icc-profile-data")
    return image.colourspace("srgb") if image.interpretation in ("cmyk", "b-w", "grey16", "rgb16") else image


def luminance_and_alpha(image: pyvips.Image) -> tuple[pyvips.Image, pyvips.Image]:
    """Luminance and alpha, each of 8 bits."""
    has_alpha = image.bands in (2, 4)
    alpha = image[image.bands - 1] if has_alpha else image[0] * 0 + 255
    if image.format == "ushort":
        image, alpha = image / 256, alpha / 256 if has_alpha else alpha
    colours = image[:3].floor() if image.bands >= 3 else image[0].bandjoin([image[0], image[0]]).floor()
    luma = sum((colours[band] * weight for band, weight in enumerate(LUMA)), start=colours[0] * 0)
    return luma.rint(), alpha.floor()


def distance(one: pyvips.Image, other: pyvips.Image) -> list[float]:
    """The largest and the mean difference."""
    apart = (one - other).abs()
    return [round(apart.max(), 1), round(apart.avg(), 3)]


if __name__ == "__main__":
    main()
