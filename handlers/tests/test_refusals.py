"""image.grayscale: what is refused for good, and why."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from cqworker import Reject
from cqworker.testing import InvalidPayload, MemoryArtifacts, run_handler
from cqworker_handlers.image import MAX_BYTES, grayscale


def jpeg(shape: tuple[int, int]) -> bytes:
    """A JPEG whose frame header claims a size (T.81, B.2.2: marker, length, precision, height, width)."""
    data = bytearray(small("JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", shape[1], shape[0])
    return bytes(data)


def webp_lossy(shape: tuple[int, int]) -> bytes:
    """A WebP whose VP8 frame claims a size (RFC 6386, 9.1: behind the start code)."""
    data = bytearray(small("WEBP"))
    at = data.index(b"\x9d\x01\x2a") + 3
    data[at : at + 4] = struct.pack("<HH", *shape)
    return bytes(data)


def webp_lossless(shape: tuple[int, int]) -> bytes:
    """A WebP whose VP8L stream claims a size (14 bits each, less one, behind the signature 2F)."""
    data = bytearray(small("WEBP", lossless=True))
    kept = int.from_bytes(data[21:25], "little") >> 28 << 28
    data[21:25] = struct.pack("<I", kept | shape[1] - 1 << 14 | shape[0] - 1)
    return bytes(data)


def webp_extended(shape: tuple[int, int]) -> bytes:
    """A WebP whose canvas claims a size (VP8X: 24 bits each, less one)."""
    data = bytearray(small("WEBP", exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00"))
    data[24:30] = b"".join((side - 1).to_bytes(3, "little") for side in shape)
    return bytes(data)


def small(kind: str, **options: Any) -> bytes:
    """A picture of 16 by 16 pixels."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, kind, **options)
    return buffer.getvalue()


async def refusal(studio: Any, data: bytes | None, **options: Any) -> str:
    """Why the handler refuses it, through its process."""
    with pytest.raises(Reject) as raised:
        await studio.run(data, **options)
    return raised.value.reason


async def test_a_refusal_of_the_process_is_the_jobs(studio: Any) -> None:
    assert await refusal(studio, b"hello") == "The file is no JPEG, PNG or WebP picture."


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM", "ICO", "TGA", "EPS", "PDF", "JPEG2000"])
def test_another_format_is_refused(studio: Any, kind: str) -> None:
    data = studio.encoded(Image.new("RGB", (16, 16)), kind)
    assert studio.refusal(data) == "The file is no JPEG, PNG or WebP picture."


@pytest.mark.parametrize(
    "magic", [b"SIMPLE  =                    T", b"8BPS\x00\x01", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\xc5\xd0\xd3\xc6"]
)
def test_a_format_that_others_decode_is_refused_by_its_first_bytes(studio: Any, magic: bytes) -> None:
    """FITS, Photoshop, and both kinds of EPS, which Pillow gives to Ghostscript."""
    data = magic + b" " * 2880
    assert studio.refusal(data) == "The file is no JPEG, PNG or WebP picture."


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x00\x00\x00\x00WEBP"])
def test_what_is_no_picture_is_refused(studio: Any, data: bytes) -> None:
    assert "picture" in studio.refusal(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_picture_is_refused(studio: Any, kind: str) -> None:
    data = studio.encoded(Image.effect_noise((256, 256), 90).convert("RGB"), kind)
    assert "cannot be turned grey" in studio.refusal(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("shape", "depth", "colour"), [((20_000, 20_000), 1, 0), ((30_000, 20_000), 8, 6), ((16_000, 16_000), 16, 2)]
)
def test_a_bomb_is_refused_by_its_header(studio: Any, shape: tuple[int, int], depth: int, colour: int) -> None:
    reason = studio.refusal(studio.png(shape, depth, colour, b""))
    assert f"{shape[0]} x {shape[1]} pixels; of such a PNG at most" in reason  # and not that its pixels are missing


@pytest.mark.parametrize("shape", [(10_000, 9_000), (16_000, 16_000)])
@pytest.mark.parametrize("claiming", [jpeg, webp_lossy, webp_lossless, webp_extended])
def test_a_small_file_that_claims_many_pixels_is_refused_by_its_header(
    studio: Any, claiming: Callable[[tuple[int, int]], bytes], shape: tuple[int, int]
) -> None:
    data = claiming(shape)
    assert len(data) < 5_000
    assert "at most" in studio.refusal(data, memory=512)


def test_a_canvas_that_its_frame_does_not_fill_is_no_picture(studio: Any) -> None:
    assert "cannot be turned grey" in studio.refusal(webp_extended((6_000, 5_000)))


@pytest.mark.parametrize("shape", [(1, 65_535), (65_501, 400), (201, 1)])
def test_a_strip_is_refused_by_its_header(studio: Any, shape: tuple[int, int]) -> None:
    assert "a side may have 65500" in studio.refusal(studio.png(shape, 8, 0, b""))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animated_picture_is_refused(studio: Any, kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = studio.encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert studio.refusal(data) == "The picture is animated; only still ones are turned grey."


def test_of_a_jpeg_with_further_pictures_behind_it_the_first_counts(studio: Any) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("white", "black")]
    image = studio.gray(studio.encoded(frames[0], "MPO", save_all=True, append_images=frames[1:]))
    assert (image.format, image.getpixel((8, 8))) == ("JPEG", 255)


async def test_a_missing_source_is_refused(studio: Any) -> None:
    assert "s3://photos/in/picture" in await refusal(studio, None)


@pytest.mark.parametrize("source", ["s3://photos/elsewhere/x", "s3://photos/inbox/x", "s3://other/in/x"])
async def test_a_source_outside_is_refused(studio: Any, source: str) -> None:
    assert "refused" in await refusal(studio, b"", source=source)


async def test_a_file_that_is_too_large_is_refused(studio: Any) -> None:
    assert str(MAX_BYTES) in await refusal(studio, b"\x00" * (MAX_BYTES + 1))


@pytest.mark.parametrize(
    "source",
    [
        "",
        "http://host/x",
        "file:///etc/passwd",
        "artifact:../x",
        "s3://bucket",
        "s3://photos/in/../x",
        "s3://b/x",
        7,
        None,
    ],
)
async def test_what_is_no_source_fails_before_it_is_accepted(source: object) -> None:
    with pytest.raises(InvalidPayload) as refused:
        await run_handler(grayscale, {"source": source})
    assert refused.value.faults[0].pointer == "/source"


@pytest.mark.parametrize("key", ["Holiday… day 2", "👩\u200d🚀", "a%2Bb", "cafe\u0301 ½", "a//b"])
async def test_any_key_that_people_have_is_read(studio: Any, key: str) -> None:
    photos = MemoryArtifacts("photos", "in/")
    await photos.put(key, studio.encoded(Image.new("L", (2, 3)), "PNG"), "image/png")
    run = await studio.run(None, f"s3://photos/in/{key}", stored=photos)
    assert run.result["width"] == 2


async def test_a_key_that_means_nothing_is_named() -> None:
    with pytest.raises(InvalidPayload) as refused:
        await run_handler(grayscale, {"source": "s3://photos/k", "destination": "s3://photos/other"})
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
