"""Where the handler and libvips differ, and which differences are meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

WITHOUT_LOSS = 2.0
"""Levels that two ways of rounding may lie apart."""
WITH_LOSS = 4.0
"""Levels that a lossy grey picture may be off in the mean; the file is written with quality 90."""

MEANT_REFUSALS = {
    r"is no JPEG, PNG or WebP": "another format: refused on purpose",
    r"is animated": "more than one frame: refused on purpose",
    r"at most .* million are decoded|a side may have": "larger than the bounds",
    r"chunk \w+ is damaged": "its checksum is wrong: libvips passes over checksums unless told otherwise",
    r"bits for each colour": "JPEG of more than 8 bits: Pillow has no decoder for it",
}
"""Words of the handler's refusal, and why they are no fault where libvips takes the picture."""
_BRIGHTER = "colours beyond RGB: the handler takes JPEG's own luminance, libvips cuts the colours off first"
_TEXTS = "its orientation stands in a text of PNG or in XMP, where libvips does not look"
KNOWN = {
    r"app13\.jpg|transparent_dispose\.gif as JPEG|bmp/[gq]/pal4\w*\.bmp as JPEG": _BRIGHTER,
    r"exif_imagemagick_orientation\.png|xmp_tags_orientation\w*\.png": _TEXTS,
    r"truncated_jpeg\.jpg": "it lacks half of its end marker and nothing else: all ten scans are there",
}
"""Names of pictures (as patterns), and why the two part there."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out for one picture; `reason` says why a difference is none, "" where none is known."""

    name: str
    agreed: bool
    what: str = ""
    reason: str = ""


def verdict(name: str, answer: dict[str, Any], *, refusal: str = "", lossy: bool = False) -> Verdict:
    """Compares the handler's `refusal`, "" where it made a picture, with libvips' answer."""
    refused = answer.get("refused")
    if refusal and refused is None:
        warned = "damaged: libvips' decoder warns of it, too" if answer["warned"] and "cut off" in refusal else ""
        return _differ(name, f"refused alone: {refusal}", warned or _meant(refusal))
    if refusal:
        return Verdict(name, agreed=True)
    if refused is not None:
        return _differ(name, f"libvips alone refuses: {refused}", "")
    if answer["made"] != answer["size"]:
        return _differ(name, f"sizes {answer['made']} and {answer['size']}", "")
    worst, mean = answer["grey"]
    alpha, _ = answer["alpha"]
    if alpha > 1:
        return _differ(name, f"alpha is up to {alpha:g} apart", "")
    if (mean > WITH_LOSS) if lossy else (worst > WITHOUT_LOSS):
        why = ""
        if answer["interpretation"] == "cmyk":
            why = "inks: libvips has a profile of its own for them, Pillow reads them as they are"
        return _differ(name, f"grey is up to {worst:g} apart, {mean:g} in the mean", why)
    return Verdict(name, agreed=True)


def _meant(refusal: str) -> str:
    return next((reason for words, reason in MEANT_REFUSALS.items() if re.search(words, refusal)), "")


def _differ(name: str, what: str, reason: str) -> Verdict:
    known = next((why for pattern, why in KNOWN.items() if re.fullmatch(pattern, name)), "")
    return Verdict(name, agreed=False, what=what, reason=reason or known)
