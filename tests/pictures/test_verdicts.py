"""The judge of pictures can say no, and knows which differences are meant."""

from __future__ import annotations

from typing import Any

import pytest

from tools.pictures.verdicts import verdict

CUT = "The picture cannot be turned grey: its file was cut off or damaged; pixels are missing."
ALIKE: dict[str, Any] = {
    "size": [4, 4],
    "made": [4, 4],
    "grey": [1.0, 0.1],
    "alpha": [0.0, 0.0],
    "warned": False,
    "interpretation": "srgb",
}


def test_what_both_make_alike_or_refuse_both_is_agreed() -> None:
    assert verdict("a.png", ALIKE).agreed
    assert verdict("a.png", {"refused": "not a known format"}, refusal="The file is no picture.").agreed


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (ALIKE | {"made": [4, 5]}, ""),
        (ALIKE | {"grey": [3.0, 0.1]}, ""),
        (ALIKE | {"alpha": [2.0, 0.1]}, ""),
        ({"refused": "not a known format"}, ""),
        (ALIKE, "The picture cannot be turned grey: its file is damaged."),
        (ALIKE, CUT),
    ],
)
def test_a_difference_that_nobody_explained_fails(answer: dict[str, Any], refusal: str) -> None:
    found = verdict("a.png", answer, refusal=refusal)
    assert (found.agreed, found.reason) == (False, "")
    assert found.what


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (ALIKE, "The picture is animated; only still ones are turned grey."),
        (
            ALIKE | {"warned": True},
            "The picture cannot be turned grey: its file was cut off or damaged; pixels are missing.",
        ),
        (ALIKE | {"grey": [90.0, 9.0], "interpretation": "cmyk"}, ""),
    ],
)
def test_a_difference_that_is_meant_is_told_with_its_reason(answer: dict[str, Any], refusal: str) -> None:
    found = verdict("a.png", answer, refusal=refusal)
    assert not found.agreed
    assert found.reason


def test_with_loss_the_mean_counts_and_without_it_the_worst_pixel() -> None:
    far = ALIKE | {"grey": [30.0, 1.0]}
    assert verdict("a.jpg", far, lossy=True).agreed
    assert not verdict("a.png", far).agreed
    assert not verdict("a.jpg", ALIKE | {"grey": [30.0, 5.0]}, lossy=True).agreed
