"""A receiver of webhooks on this machine: it keeps what comes and answers as it is told."""

import asyncio
from dataclasses import dataclass, field


@dataclass
class Call:
    """One request, its headers by their lowercase names."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Sink:
    """Listens on a free port of its own."""

    calls: list[Call] = field(default_factory=list)
    # What is answered, one after the other; the last one for ever.
    answers: list[int] = field(default_factory=lambda: [200])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def __aenter__(self) -> "Sink":
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip("\r\n").split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.calls.append(Call(first.split(" ")[1], headers, body))
            status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            writer.write(f"HTTP/1.1 {status} Told\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        finally:
            writer.close()
