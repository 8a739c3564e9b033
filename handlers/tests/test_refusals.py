"""image.grayscale: what is refused for good, and why."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from PIL import Image

from cqworker import Reject
from cqworker.testing import InvalidPayload, MemoryArtifacts, run_handler
from cqworker_handlers.image import MAX_BYTES, grayscale


async def refusal(studio: Any, data: bytes | None, **options: Any) -> str:
    with pytest.raises(Reject) as raised:
        await studio.run(data, **options)
    return raised.value.reason


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM", "ICO", "TGA", "EPS", "PDF", "JPEG2000"])
async def test_another_format_is_refused(studio: Any, kind: str) -> None:
    data = studio.encoded(Image.new("RGB", (16, 16)), kind)
    assert await refusal(studio, data) == "The file is no JPEG, PNG or WebP picture."


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x00\x00\x00\x00WEBP"])
async def test_what_is_no_picture_is_refused(studio: Any, data: bytes) -> None:
    assert "picture" in await refusal(studio, data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_truncated_picture_is_refused(studio: Any, kind: str) -> None:
    data = studio.encoded(Image.effect_noise((256, 256), 90).convert("RGB"), kind)
    assert "cannot be turned grey" in await refusal(studio, data[: len(data) // 2])


@pytest.mark.parametrize(
    ("shape", "depth", "colour"), [((20_000, 20_000), 1, 0), ((9_000, 9_000), 8, 6), ((5_001, 5_000), 8, 2)]
)
async def test_a_bomb_is_refused_by_its_header(studio: Any, shape: tuple[int, int], depth: int, colour: int) -> None:
    reason = await refusal(studio, studio.png(shape, depth, colour, b""))
    assert "at most 25 million" in reason  # and not that its pixels are missing


@pytest.mark.parametrize("shape", [(1, 65_535), (20_000, 200), (201, 1)])
async def test_a_strip_is_refused_by_its_header(studio: Any, shape: tuple[int, int]) -> None:
    assert "side" in await refusal(studio, studio.png(shape, 8, 0, b""))


async def test_a_compressed_profile_that_explodes_is_refused(studio: Any) -> None:
    import zlib

    profile = b"icc\x00\x00" + zlib.compress(b"\x00" * 200_000_000)
    assert await refusal(studio, studio.png((1, 1), 8, 0, b"\x00\x00", (b"iCCP", profile)))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_an_animated_picture_is_refused(studio: Any, kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = studio.encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert await refusal(studio, data) == "The picture is animated; only still ones are turned grey."


async def test_of_a_jpeg_with_further_pictures_behind_it_the_first_counts(studio: Any) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("white", "black")]
    image = await studio.gray(studio.encoded(frames[0], "MPO", save_all=True, append_images=frames[1:]))
    assert (image.format, image.getpixel((8, 8))) == ("JPEG", 255)


async def test_a_missing_source_is_refused(studio: Any) -> None:
    assert "s3://photos/in/picture" in await refusal(studio, None)


@pytest.mark.parametrize(
    "source", ["s3://photos/elsewhere/x", "s3://photos/in/../x", "s3://photos/inbox/x", "s3://b/x"]
)
async def test_a_source_outside_is_refused(studio: Any, source: str) -> None:
    assert "refused" in await refusal(studio, b"", source=source)


async def test_a_file_that_is_too_large_is_refused(studio: Any) -> None:
    assert str(MAX_BYTES) in await refusal(studio, b"\x00" * (MAX_BYTES + 1))


@pytest.mark.parametrize("source", ["", "http://host/x", "file:///etc/passwd", "artifact:../x", "s3://bucket", 7, None])
async def test_what_is_no_source_fails_before_it_is_accepted(source: object) -> None:
    with pytest.raises(InvalidPayload) as refused:
        await run_handler(grayscale, {"source": source})
    assert refused.value.faults[0].pointer == "/source"


async def test_a_key_that_means_nothing_is_named() -> None:
    with pytest.raises(InvalidPayload) as refused:
        await run_handler(grayscale, {"source": "s3://b/k", "destination": "s3://b/other"})
    assert [fault.pointer for fault in refused.value.faults] == ["/destination"]


async def test_an_upload_of_ones_own_is_read_and_of_another_tenant_is_not(studio: Any) -> None:
    artifacts = MemoryArtifacts("results", "out/")
    await artifacts.put("uploads/acme/7f", studio.encoded(Image.new("L", (2, 3)), "PNG"), "image/png")
    run = await run_handler(grayscale, {"source": "artifact:7f"}, artifacts=artifacts, tenant="acme")
    assert (run.result["width"], run.result["height"]) == (2, 3)
    with pytest.raises(Reject):
        await run_handler(grayscale, {"source": "artifact:7f"}, artifacts=artifacts, tenant="other")


async def test_each_attempt_writes_an_object_of_its_own(studio: Any) -> None:
    data = studio.encoded(Image.new("L", (1, 1)), "PNG")
    first = await studio.run(data, id="job", round=2, attempt=1)
    second = await studio.run(data, id="job", round=2, attempt=3)
    assert first.result["output"] == "s3://results/out/job/2-1.png"
    assert second.result["output"] == "s3://results/out/job/2-3.png"
    assert struct.unpack(">I", first.artifacts.objects[first.result["output"]].data[16:20]) == (1,)
