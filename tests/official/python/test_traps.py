"""The traps in which existing clients fell, each with the official SDK."""

import asyncio
import time
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from agentchat_server import Agent, Server, until
from gate import Gate, whole_request

# A fault that starts a handler again does so within a run of the handler or the SDK's two
# seconds for a hole; nothing can be waited for that must not come.
WATCH_FOR_A_SECOND_RUN = 3.0


async def test_two_bots_answer_each_other_without_a_pause(server: Server) -> None:
    turns = 50
    alice, bob, conversation = await server.acquainted("alice", "bob")
    handled: list[float] = []
    finished = asyncio.Event()

    def bot(me: Agent) -> Any:
        async def answer(event: dict[str, Any]) -> None:
            row = event["payload"]
            if row["sender"] == me.handle:
                return
            handled.append(time.perf_counter())
            if len(handled) > turns:
                finished.set()
                return
            await me.client.send_message(
                conversation_id=row["conversation_id"], text=f"turn {len(handled)}"
            )

        return answer

    async with alice.listener(bot(alice)), bob.listener(bot(bob)):
        await alice.client.send_message(to="bob", text="turn 0")
        await asyncio.wait_for(finished.wait(), turns * 2.5)
        await alice.nothing_stored()
        await bob.nothing_stored()
    took = [later - earlier for earlier, later in pairwise(handled)]
    assert len(took) == turns
    # The pause would be the two seconds that the SDK waits for a hole.
    assert max(took) <= 1.5, f"slowest turns: {sorted(took)[-5:]}"
    (newest,) = await alice.client.get_messages(conversation, limit=1)
    assert newest["seq"] == 2 + 1 + turns


@pytest.mark.parametrize("arrival", ["live", "drained"])
async def test_a_handler_without_a_sender_filter_answers_once(server: Server, arrival: str) -> None:
    alice, bob = await server.agent("alice"), await server.agent("bob")
    answers = 0

    async def answer_everything(event: dict[str, Any]) -> None:
        nonlocal answers
        answers += 1
        await bob.client.send_message(
            conversation_id=event["payload"]["conversation_id"], text="thank you"
        )

    async def one_message() -> str:
        sent = await alice.client.send_message(to="bob", text="one message")
        return sent.message["conversation_id"]

    conversation = await one_message() if arrival == "drained" else None
    async with bob.listener(answer_everything):
        conversation = conversation or await one_message()
        await until(lambda: answers >= 1, "the answer")
        await asyncio.sleep(5)
    assert answers == 1
    rows = await alice.client.get_messages(conversation)
    assert [row["sender"] for row in rows] == ["bob", "alice"]


@pytest.mark.parametrize("live", [0, 20], ids=["quiet", "live"])
@pytest.mark.parametrize(
    ("backlog", "handler_seconds"), [(2, 1.0), (3, 1.0), (6, 1.0), (350, 0.001)]
)
async def test_a_backlog_runs_the_handler_once_a_message(
    server: Server, backlog: int, handler_seconds: float, live: int
) -> None:
    alice, bob, _ = await server.acquainted("alice", "bob")
    runs: list[str] = []

    async def handler(event: dict[str, Any]) -> None:
        runs.append(event["payload"]["content"]["text"])
        await asyncio.sleep(handler_seconds)

    async def send(kind: str, count: int) -> list[str]:
        texts = [f"{kind} {number}" for number in range(count)]
        for text in texts:
            await alice.client.send_message(to="bob", text=text)
        return texts

    expected = await send("waiting", backlog)
    assert await bob.undelivered() == backlog
    async with bob.listener(handler) as listener:
        await until(lambda: runs, "the first run")
        expected += await send("live", live)
        patience = 30 + handler_seconds * len(expected)
        await until(lambda: set(runs) >= set(expected), "a run for every message", patience)
        await bob.nothing_stored(patience)
        expected += await send("last", 1)
        await until(lambda: expected[-1] in runs, "the last message")
        await bob.nothing_stored()
        await asyncio.sleep(WATCH_FOR_A_SECOND_RUN)
        assert listener.connects == 1
    assert Counter(runs) == Counter(expected)
    assert runs == expected, "not in the order in which they were sent"
    assert await bob.undelivered() == 0


async def test_a_shutdown_between_101_and_hello_is_survived(server: Server) -> None:
    alice, bob = await server.agent("alice"), await server.agent("bob")
    received: list[str] = []
    async with Gate(server.port) as gate:
        gate.hold = whole_request
        listener = bob.listener(
            lambda event: received.append(event["payload"]["content"]["text"]),
            base_url=gate.socket_url,
        )
        connecting = asyncio.create_task(listener.client.connect())
        # The HELLO has left the client, so 101 has arrived; the server has not read it.
        await asyncio.wait_for(gate.holding.wait(), 10)
        server.ask_to_stop()
        await server.refuses_connections()
        await asyncio.sleep(0.3)
        head, _, frames = bytes(gate.answered).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert (frames, gate.server_closed) == (b"", False), "closed before it read the HELLO"
        gate.release.set()
        await until(lambda: listener.disconnects, "the close after the HELLO")
        assert listener.disconnects[0]["code"] == 1001
        await asyncio.gather(connecting, return_exceptions=True)
        await server.stopped()

        await server.start()
        await alice.client.send_message(to="bob", text="are you back?")
        await listener.connected()
        await until(lambda: received == ["are you back?"], "the message after the restart")
        await bob.nothing_stored()
        await listener.client.disconnect()
