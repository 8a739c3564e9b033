"""image.grayscale: metadata is thrown away, so it may be of any size and costs nothing."""

from __future__ import annotations

import io
import time
import tracemalloc
import zlib
from typing import Any

import pytest
from PIL import ExifTags, Image

from cqworker_handlers.pixels import to_gray
from cqworker_handlers.png import read_png

ROW = b"\x00\x07"
BEFORE_A_BOMB = {
    "zTXt": (b"zTXt", b"key\0\0"),
    "iTXt": (b"iTXt", b"key\0\1\0\0\0"),
    "iCCP": (b"iCCP", b"icc\0\0"),
    "turning zTXt": (b"zTXt", b"Raw profile type exif\0\0"),
    "turning iTXt": (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0"),
}
BROKEN_OR_LARGE = {
    "tEXt": (b"tEXt", b"key\0" + b"x" * 5_000_000),
    "broken zTXt": (b"zTXt", b"key\0\0nonsense"),
    "broken iTXt": (b"iTXt", b"key"),
    "broken iCCP": (b"iCCP", b"icc"),
    "unknown": (b"abCd", b"x" * 5_000_000),
    "short pHYs": (b"pHYs", b"\0"),
    "short gAMA": (b"gAMA", b""),
}


@pytest.fixture(scope="module")
def bomb() -> bytes:
    return zlib.compress(b"\x00" * 100_000_000)


@pytest.mark.parametrize("text", BEFORE_A_BOMB)
def test_a_chunk_that_explodes_costs_nothing(studio: Any, bomb: bytes, text: str) -> None:
    name, before = BEFORE_A_BOMB[text]
    _costs_nothing(studio, (name, before + bomb))


@pytest.mark.parametrize("text", BROKEN_OR_LARGE)
def test_a_chunk_that_is_broken_or_large_costs_nothing(studio: Any, text: str) -> None:
    _costs_nothing(studio, BROKEN_OR_LARGE[text])


def _costs_nothing(studio: Any, chunk: tuple[bytes, bytes]) -> None:
    data = studio.png((1, 1), 8, 0, ROW, chunk)
    tracemalloc.start()
    try:
        assert studio.rows(studio.gray(data)) == [[7]]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 48_000_000


def test_many_texts_cost_no_more_than_their_bytes(studio: Any) -> None:
    text = zlib.compress(b"\0" * 900_000)
    bombs = [(b"zTXt", b"key%d\0\0" % number + text) for number in range(1000)]
    data = studio.png((1, 1), 8, 0, ROW, *bombs)
    began = time.process_time()
    assert studio.rows(studio.gray(data)) == [[7]]
    assert time.process_time() - began < 1.0  # inflated, they are 900 MB


def test_a_large_profile_is_used(studio: Any) -> None:
    name, packed = studio.linear_grey
    profile = zlib.decompress(packed[8:])
    large = (len(profile) + 2_000_000).to_bytes(4, "big") + profile[4:] + b"\0" * 2_000_000
    data = studio.png((1, 1), 8, 0, b"\0\x80", (name, b"linear\0\0" + zlib.compress(large)))
    assert studio.rows(studio.gray(data)) == [[pytest.approx(188, abs=1)]]


def test_an_orientation_is_found_wherever_png_may_keep_it(studio: Any) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    raw = exif.tobytes()
    hexed = b"\nexif\n%8d\n%s\n" % (len(raw), raw.hex().encode())
    xmp = b'<x tiff:Orientation="6"/>'
    chunks = [
        (b"eXIf", raw[6:]),
        (b"tEXt", b"Raw profile type exif\0" + hexed),
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(hexed)),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp)),
    ]
    for chunk in chunks:
        data = studio.png((2, 1), 8, 0, b"\0\1\2", chunk)
        assert studio.rows(studio.gray(data)) == [[1], [2]], chunk[0]
        late = data[:-12] + studio.png((1, 1), 8, 0, b"", chunk)[33 : 33 + 12 + len(chunk[1])] + data[-12:]
        assert read_png(late).metadata == read_png(data).metadata


@pytest.mark.parametrize("segment", [b"\xff\xe0\0\x04JF", b"\xff\xe1\0\x08Exif\0\0", b"\xff\xed\0\x10Photoshop 3.0\0"])
def test_broken_metadata_of_a_jpeg_is_passed_over(studio: Any, segment: bytes) -> None:
    data = studio.encoded(Image.new("L", (8, 8), 99), "JPEG")
    assert studio.gray(data[:2] + segment + data[2:]).getpixel((4, 4)) == 99


def test_what_tells_the_colours_of_a_jpeg_is_no_metadata(studio: Any) -> None:
    red = Image.new("RGB", (16, 16), (255, 0, 0))
    data = studio.encoded(red, "JPEG", keep_rgb=True, quality=100)
    assert studio.gray(data).getpixel((8, 8)) == pytest.approx(76, abs=1)


def test_damage_that_would_change_pixels_is_refused(studio: Any) -> None:
    data = studio.png((1, 1), 8, 0, ROW, (b"tRNS", b"\0\7"), (b"tEXt", b"a\0b"))
    for chunk, harmful in ((b"IDAT", True), (b"tRNS", True), (b"IHDR", True), (b"tEXt", False)):
        at = data.index(chunk) + 4 + int.from_bytes(data[data.index(chunk) - 4 : data.index(chunk)], "big")
        broken = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        if harmful:
            assert f"chunk {chunk.decode()} is damaged" in studio.refusal(broken)
        else:
            assert studio.rows(studio.gray(broken)) == [[(7, 0)]]


def test_a_png_that_lacks_its_end_alone_is_turned_grey(studio: Any) -> None:
    data = studio.png((1, 1), 8, 0, ROW)
    for cut in (data[:-12], data[:-14], data[:-5]):
        assert studio.rows(studio.gray(cut)) == [[7]]
    assert "cannot be turned grey" in studio.refusal(data[: data.index(b"IDAT") + 5])


@pytest.mark.parametrize(
    ("depth", "colour", "chunks", "said"),
    [
        (8, 3, (), "it has none (PLTE)"),
        (8, 3, ((b"PLTE", b"\1\2\3\4"),), "its palette has 4 bytes"),
        (8, 3, ((b"PLTE", b""),), "its palette has 0 bytes"),
        (3, 0, (), "3 bits in colours of type 0, which PNG does not have"),
        (8, 5, (), "8 bits in colours of type 5"),
        (16, 3, ((b"PLTE", b"\1\2\3"),), "16 bits in colours of type 3"),
    ],
)
def test_what_makes_no_picture_is_told_in_words(studio: Any, depth: int, colour: int, chunks: Any, said: str) -> None:
    assert said in studio.refusal(studio.png((1, 1), depth, colour, ROW, *chunks))


def test_no_refusal_is_the_name_of_an_exception(studio: Any) -> None:
    pictures = [
        studio.png((3, 3), 8, 2, b"\0" * 30, (b"tRNS", b"\0" * 6), (b"PLTE", b"\1")),
        studio.encoded(Image.effect_noise((40, 40), 90).convert("RGB"), "WEBP"),
        studio.encoded(Image.effect_noise((40, 40), 90).convert("RGB"), "JPEG", progressive=True),
    ]
    for picture in pictures:
        for at in range(8, len(picture), max(1, len(picture) // 150)):
            broken = picture[:at] + bytes([picture[at] ^ 0x5A]) + picture[at + 1 :]
            try:
                to_gray(broken, 4096, 33_554_432)
            except Exception as error:  # noqa: BLE001 - whatever it is, its words are looked at
                said = str(error)
                assert said.startswith(("The picture ", "The PNG ", "The JPEG ", "The file ")), said
                assert not any(word.endswith("Error.") for word in said.split()), said


def test_a_still_that_is_written_as_an_animation_of_one_frame_keeps_its_pixels(studio: Any) -> None:
    source = studio.of("RGB", [[(250, 0, 0), (0, 250, 0)], [(0, 0, 250), (9, 9, 9)]])
    data = studio.encoded(source, "WEBP", lossless=True)
    frame = b"\0" * 6 + (1).to_bytes(3, "little") * 2 + b"\0" * 4 + data[12:]
    canvas = b"\2\0\0\0" + (1).to_bytes(3, "little") * 2
    parts = ((b"VP8X", canvas), (b"ANIM", b"\0" * 6), (b"ANMF", frame))
    body = b"WEBP" + b"".join(name + len(part).to_bytes(4, "little") + part for name, part in parts)
    made = to_gray(b"RIFF" + len(body).to_bytes(4, "little") + body, 4096, 33_554_432).data
    assert b"VP8L" in made[:40]
    assert [[pixel[0] for pixel in row] for row in studio.rows(Image.open(io.BytesIO(made)))] == [[75, 147], [28, 9]]


@pytest.mark.parametrize(("control", "animated"), [(1, False), (2, True)])
def test_a_png_of_one_frame_is_a_still(studio: Any, control: int, animated: bool) -> None:
    head = (b"acTL", control.to_bytes(4, "big") + b"\0" * 4)
    frame = (b"fcTL", b"\0" * 4 + b"\0\0\0\1" * 2 + b"\0" * 14)
    assert (read_png(studio.png((1, 1), 8, 0, ROW, head, frame)).frames > 1) is animated
    assert read_png(studio.png((1, 1), 8, 0, ROW, head)).frames == control + 1  # and the picture that stands for them
