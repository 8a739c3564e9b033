"""Pictures that the tests are made of, and the handler run on them in memory."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from cqworker import Reject
from cqworker.testing import HandlerRun, MemoryArtifacts, run_handler
from cqworker_handlers.image import grayscale
from cqworker_handlers.pixels import to_gray

SOURCE = "s3://photos/in/picture"


def grey_profile(gamma: float) -> bytes:
    """An ICC profile of version 2 for grey: header, and what tells a display's grey (ICC.1:2001-04, 6.3.1.1)."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"grey\0" + b"\0" * 78
    text += b"\0" * (-len(text) % 4)
    tags, place, table = ((b"desc", text), (b"wtpt", white), (b"kTRC", curve)), 128 + 4 + 12 * 3, b""
    for name, body in tags:
        table += name + struct.pack(">II", place, len(body))
        place += len(body)
    head = struct.pack(">I4sI4s4s4s", place, b"\0" * 4, 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + b"".join(body for _, body in tags)


class Studio:
    """Makes pictures, turns them grey through the handler, and looks at what was stored."""

    @staticmethod
    def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        return buffer.getvalue()

    @staticmethod
    def of(mode: str, rows: list[list[Any]]) -> Image.Image:
        """A picture from its pixels, row by row."""
        image = Image.new(mode, (len(rows[0]), len(rows)))
        for y, row in enumerate(rows):
            for x, value in enumerate(row):
                image.putpixel((x, y), value)
        return image

    @staticmethod
    def rows(image: Image.Image) -> list[list[Any]]:
        return [[image.getpixel((x, y)) for x in range(image.width)] for y in range(image.height)]

    @staticmethod
    def png(shape: tuple[int, int], depth: int, colour: int, data: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
        """A PNG file written by hand: its header may claim what Pillow would not write."""
        header = struct.pack(">IIBBBBB", *shape, depth, colour, 0, 0, 0)
        body = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
        packed = [(struct.pack(">I", len(content)), name + content) for name, content in body]
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            size + rest + struct.pack(">I", zlib.crc32(rest)) for size, rest in packed
        )

    @staticmethod
    def crc(data: bytes) -> bytes:
        return struct.pack(">I", zlib.crc32(data))

    @property
    def linear_grey(self) -> tuple[bytes, bytes]:
        """The chunk of a profile that says: half of the light is half of the number."""
        return (b"iCCP", b"linear\0\0" + zlib.compress(grey_profile(gamma=1.0)))

    @staticmethod
    def gray(data: bytes, memory: int = 4096, largest: int = 33_554_432) -> Image.Image:
        """What is made in the handler's process, here; decoded."""
        made = to_gray(data, memory, largest)
        image = Image.open(io.BytesIO(made.data))
        image.load()
        assert (made.width, made.height, made.content_type) == (*image.size, Image.MIME[image.format or ""])
        return image

    def refusal(self, data: bytes, **bounds: int) -> str:
        """Why it is refused."""
        with pytest.raises(Reject) as raised:
            self.gray(data, **bounds)
        return raised.value.reason

    async def run(
        self, data: bytes | None, source: str = SOURCE, *, stored: MemoryArtifacts | None = None, **job: Any
    ) -> HandlerRun:
        """Runs the handler with `data` at SOURCE, where there is some, and beside what is `stored` elsewhere."""
        artifacts = MemoryArtifacts("results", "out/")
        artifacts.objects.update(stored.objects if stored else {})
        if data is not None:
            photos = MemoryArtifacts("photos", "in/")
            await photos.put("picture", data, "application/octet-stream")
            artifacts.objects.update(photos.objects)
        return await run_handler(grayscale, {"source": source}, artifacts=artifacts, sources=("s3://photos/in",), **job)

    async def stored(self, data: bytes) -> Image.Image:
        """The picture that the handler stored, decoded; its result has been compared with it."""
        run = await self.run(data)
        stored = run.artifacts.objects[run.result["output"]]
        image = Image.open(io.BytesIO(stored.data))
        image.load()
        size = {"width": image.width, "height": image.height, "bytes": len(stored.data)}
        assert run.result == {"output": run.result["output"], **size}
        assert stored.content_type == Image.MIME[image.format or ""]
        return image


@pytest.fixture
def studio() -> Studio:
    return Studio()
