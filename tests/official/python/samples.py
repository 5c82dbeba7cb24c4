"""Files of each kind that may be attached, and pictures, spelled byte by byte."""

import hashlib
import struct
import zlib
from typing import Any

import httpx
from agentchatme.types import CreateUploadRequest
from calls import request


def png(width: int, height: int, grey: int = 128) -> bytes:
    """A grey picture of this size."""
    rows = (b"\0" + bytes([grey]) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, data) for name, data in parts)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def size_of_webp(picture: bytes) -> tuple[int, int]:
    """Width and height of a picture in any of the three forms of WebP."""
    assert picture[:4] == b"RIFF" and picture[8:12] == b"WEBP", picture[:16]
    form, body = picture[12:16], picture[20:]
    if form == b"VP8X":
        width, height = body[4:7], body[7:10]
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if form == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    assert form == b"VP8 ", form
    width, height = struct.unpack("<HH", body[6:10])
    return width & 0x3FFF, height & 0x3FFF


# What a file of each kind begins with; whoever looks at the first bytes knows it by that.
SAMPLES = {
    "image/png": png(2, 2),
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xd9",
    "image/gif": b"GIF89a\x01\0\x01\0\0\0\0;",
    "image/webp": b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\0" + bytes(8),
    "application/pdf": b"%PDF-1.7\n%%EOF\n",
    "application/json": '{"wörter": [1, 2.50, null]}'.encode(),
    "text/plain": "schöne Grüße\n".encode(),
    "text/markdown": b"# Title\n\ntext\n",
    "text/csv": b"a,b\n1,2\n",
    "audio/mpeg": b"ID3\x04\0\0\0\0\0\0" + b"\xff\xfb\x90\0" + bytes(32),
    "audio/wav": b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0" + bytes(24),
    "audio/ogg": b"OggS\0\x02" + bytes(22),
    "video/mp4": b"\0\0\0\x18ftypisom\0\0\x02\0isommp41",
    "video/webm": b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm" + bytes(8),
}


def declared(content: bytes, kind: str = "text/plain", **more: Any) -> dict[str, Any]:
    """What a slot is asked for with."""
    return request(
        CreateUploadRequest,
        filename=more.pop("filename", "notes.txt"),
        content_type=kind,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        **more,
    )


async def put(url: str, content: bytes) -> httpx.Response:
    """Uploads as the SDK's documentation says: a bare PUT, without the API key."""
    async with httpx.AsyncClient() as http:
        return await http.put(url, content=content)


async def fetched(url: str, **headers: str) -> httpx.Response:
    """Whatever is at an address, without the API key."""
    async with httpx.AsyncClient() as http:
        return await http.get(url, headers=headers)
