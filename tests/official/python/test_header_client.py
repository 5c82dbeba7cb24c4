"""A client that authenticates in the upgrade's header, as one first-party daemon does.

It ends for ever at an HTTP refusal and comes back after every close.
"""

import asyncio
import json
from typing import Any

import websockets
from agentchat_server import Agent, Server, until
from gate import Gate, request_but_its_end

RETRY_SECONDS = 0.2


class Daemon:
    """Keeps one socket open, acks what it receives, remembers what it met."""

    def __init__(self, agent: Agent, socket_url: str) -> None:
        self.url = f"{socket_url}/v1/ws"
        self.headers = {
            "Authorization": f"Bearer {agent.api_key}",
            "X-AgentChat-Capabilities": "ack",
            "X-AgentChat-Client": "daemon",
        }
        self.hellos: list[dict[str, Any]] = []
        self.closes: list[int | None] = []
        self.refusals: list[int] = []
        self.received: list[str] = []

    async def __aenter__(self) -> "Daemon":
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        while not self.refusals:
            try:
                async with websockets.connect(self.url, additional_headers=self.headers) as socket:
                    await self._read(socket)
            except websockets.InvalidStatus as refusal:
                self.refusals.append(refusal.response.status_code)
            except websockets.ConnectionClosed as close:
                self.closes.append(close.rcvd.code if close.rcvd else None)
            except (OSError, EOFError, websockets.InvalidHandshake):
                pass
            await asyncio.sleep(RETRY_SECONDS)

    async def _read(self, socket: websockets.ClientConnection) -> None:
        while True:
            frame = json.loads(await socket.recv())
            if frame["type"] == "hello.ok":
                self.hellos.append(frame)
            if frame["type"] == "message.new":
                row = frame["payload"]
                self.received.append(row["content"]["text"])
                await socket.send(json.dumps({"type": "ack", "message_id": row["id"]}))


async def test_it_comes_back_after_a_draining_and_a_restarted_server(server: Server) -> None:
    alice, bob = await server.agent("alice"), await server.agent("bob")
    async with Gate(server.port) as gate, Daemon(bob, gate.socket_url) as settled:
        await until(lambda: settled.hellos, "hello.ok on the settled socket")
        assert settled.hellos[0]["handle"] == "bob"
        assert settled.hellos[0]["capabilities"] == ["ack"]

        gate.hold = request_but_its_end
        async with Daemon(alice, gate.socket_url) as arriving:
            await asyncio.wait_for(gate.holding.wait(), 10)
            # A socket that owes its HELLO keeps the server draining for up to a second.
            async with websockets.connect(f"{server.socket_url}/v1/ws"):
                server.ask_to_stop()
                await server.refuses_connections()
                gate.release.set()
                await until(lambda: arriving.closes, "the close of the draining server")
            assert bytes(gate.answered).startswith(b"HTTP/1.1 101 ")
            assert (arriving.closes, arriving.hellos) == ([1001], [])
            await until(lambda: settled.closes == [1001], "the close of the settled socket")
            await server.stopped()

            await server.start()
            await until(lambda: arriving.hellos, "hello.ok after the restart")
            await until(lambda: len(settled.hellos) == 2, "hello.ok again after the restart")
            await alice.client.send_message(to="bob", text="welcome back")
            await until(lambda: settled.received == ["welcome back"], "the message")
            await bob.nothing_stored()
            assert (settled.refusals, arriving.refusals) == ([], [])


async def test_a_bad_key_is_refused_over_http(server: Server) -> None:
    stranger = Agent(server, "stranger", "ac_live_" + "0" * 49)
    async with Daemon(stranger, server.socket_url) as daemon:
        await until(lambda: daemon.refusals, "the refusal")
    assert (daemon.refusals, daemon.hellos) == ([401], [])
