"""A TCP relay between a client and the server: it can refuse, and hold back what a client says."""

import asyncio
from collections.abc import Callable

END_OF_REQUEST = b"\r\n\r\n"


def whole_request(said: bytes) -> int | None:
    """Lets the upgrade request pass and holds everything that follows."""
    end = said.find(END_OF_REQUEST)
    return None if end < 0 else end + len(END_OF_REQUEST)


def request_but_its_end(said: bytes) -> int | None:
    """Lets the upgrade request pass without its last empty line."""
    end = said.find(END_OF_REQUEST)
    return None if end < 0 else end + len(END_OF_REQUEST) // 2


class Gate:
    """Stands at one address for the whole test, so a client need not know of restarts."""

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.refusing = False
        self.hold: Callable[[bytes], int | None] | None = None
        self.holding = asyncio.Event()
        self.release = asyncio.Event()
        # What the server answered on the connection that is held.
        self.answered = bytearray()
        self.server_closed = False
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "Gate":
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        this = asyncio.current_task()
        assert this is not None
        self._connections.add(this)
        try:
            await self._relay(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._connections.discard(this)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            return
        answers, upstream = await asyncio.open_connection("127.0.0.1", self.server_port)
        hold, self.hold = self.hold, None
        try:
            speaking = asyncio.create_task(self._say(reader, upstream, hold))
            await self._answer(answers, writer, watched=hold is not None)
            speaking.cancel()
        finally:
            upstream.transport.abort()

    async def _say(
        self,
        reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
        hold: Callable[[bytes], int | None] | None,
    ) -> None:
        said, passed = b"", 0
        while part := await reader.read(65536):
            said += part
            mark = hold(said) if hold else None
            if mark is not None and len(said) > mark and not self.release.is_set():
                upstream.write(said[passed:mark])
                passed = mark
                self.holding.set()
                await self.release.wait()
            upstream.write(said[passed:])
            passed = len(said)
            await upstream.drain()
        upstream.write_eof()

    async def _answer(
        self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter, watched: bool
    ) -> None:
        while part := await answers.read(65536):
            if watched:
                self.answered += part
            writer.write(part)
            await writer.drain()
        if watched:
            self.server_closed = True
        writer.write_eof()
        await writer.drain()
