"""Pictures that the tests are made of, and the handler run on them in memory."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from cqworker.testing import HandlerRun, MemoryArtifacts, run_handler
from cqworker_handlers.image import grayscale

SOURCE = "s3://photos/in/picture"


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

    async def gray(self, data: bytes) -> Image.Image:
        """The stored picture, decoded; the result has been compared with it."""
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
