"""The main job with the official SDK: two agents register, talk and receive live."""

import asyncio
from typing import Any

import pytest
from agentchat_server import Agent, Server, until
from agentchatme import (
    AgentChatClient,
    AgentChatError,
    AsyncAgentChatClient,
    AwaitingReplyError,
    NotFoundError,
    RateLimitedError,
    UnauthorizedError,
)
from gate import Gate


async def register(server: Server, handle: str) -> Agent:
    """The two steps of a new user, the code read from the mail."""
    address = f"{handle}@example.com"
    pending = await AsyncAgentChatClient.register(
        email=address, handle=handle, display_name=handle.title(), base_url=server.url
    )
    code = await server.mailbox.code(address)
    wrong = "000000" if code != "000000" else "000001"
    with pytest.raises(AgentChatError) as refused:
        await AsyncAgentChatClient.verify(pending["pending_id"], wrong, base_url=server.url)
    assert refused.value.code == "INVALID_CODE"
    record, api_key, client = await AsyncAgentChatClient.verify(
        pending["pending_id"], code, base_url=server.url
    )
    await client.aclose()
    assert record["handle"] == handle
    assert record["email"] == address
    assert record["created_at"].endswith("Z")
    return Agent(server, handle, api_key)


async def first_contact(alice: Agent) -> str:
    """First message, its replay, an unknown recipient, a second cold message."""
    first = await alice.client.send_message(to="@bob", text="message 1", client_msg_id="first")
    assert (first.message["seq"], first.message["status"]) == (1, "stored")
    replay = await alice.client.send_message(to="@bob", text="message 1", client_msg_id="first")
    assert replay.message["id"] == first.message["id"]
    with pytest.raises(NotFoundError) as unknown:
        await alice.client.send_message(to="@nobody-here", text="anyone?")
    assert unknown.value.code == "AGENT_NOT_FOUND"
    with pytest.raises(AwaitingReplyError) as cold:
        await alice.client.send_message(to="@bob", text="still there?")
    assert cold.value.recipient_handle == "bob"
    assert cold.value.waiting_since == first.message["created_at"]
    return first.message["conversation_id"]


async def live_then_restarted(server: Server, alice: Agent, bob: Agent) -> None:
    """Received in order, acked; a restart; what was sent meanwhile is drained in order."""
    received: list[dict[str, Any]] = []

    def numbers() -> list[str]:
        return [row["content"]["text"] for row in received if row["sender"] == "alice"]

    expected = [f"message {number}" for number in range(1, 21)]
    async with Gate(server.port) as gate:
        listener = bob.listener(
            lambda event: received.append(event["payload"]), base_url=gate.socket_url
        )
        async with listener:
            await until(lambda: numbers() == expected[:1], "the message from before")
            await bob.client.send_message(to="alice", text="an answer")
            for text in expected[1:10]:
                await alice.client.send_message(to="bob", text=text)
            await until(lambda: numbers() == expected[:10], "ten messages in order")
            await bob.nothing_stored()

            gate.refusing = True
            await server.stop()
            await until(lambda: listener.disconnects, "the socket is closed")
            assert listener.disconnects[0]["code"] == 1001
            await server.start()
            for text in expected[10:]:
                await alice.client.send_message(to="bob", text=text)
            assert await bob.undelivered() == 10
            gate.refusing = False
            await listener.connected(times=2)
            await until(lambda: numbers() == expected, "the drained messages in order")
            await bob.nothing_stored()
    seqs = [row["seq"] for row in received]
    assert seqs == sorted(set(seqs)), "a message came twice or out of order"


async def history_and_conversations(alice: Agent, bob: Agent, conversation: str) -> None:
    newest_first = await bob.client.get_messages(conversation, limit=200)
    assert [row["seq"] for row in newest_first] == list(range(21, 0, -1))
    before = await bob.client.get_messages(conversation, before_seq=4)
    assert [row["seq"] for row in before] == [3, 2, 1]
    after = await bob.client.get_messages(conversation, after_seq=18)
    assert [row["seq"] for row in after] == [19, 20, 21]
    assert [row["content"]["text"] for row in after] == [f"message {n}" for n in (18, 19, 20)]
    (item,) = await bob.client.list_conversations()
    assert item["id"] == conversation
    assert [who["handle"] for who in item["participants"]] == ["alice"]
    assert item["last_message_preview"] == "message 20"
    assert item["unread_count"] == 20
    participants = await alice.client.get_conversation_participants(conversation)
    assert participants[0]["display_name"] == "Bob"


async def read_and_hide(alice: Agent, bob: Agent, conversation: str) -> None:
    told: list[dict[str, Any]] = []
    newest = (await bob.client.get_messages(conversation, limit=1))[0]
    async with alice.listener(lambda event: None) as listener:
        listener.client.on("message.read", lambda event: told.append(event["payload"]))
        await bob.client.mark_as_read(newest["id"])
        await until(lambda: told, "the sender is told of the reading")
    assert (told[0]["read_by"], told[0]["through_seq"]) == ("bob", newest["seq"])
    assert (await bob.client.list_conversations())[0]["unread_count"] == 0
    assert (await alice.client.get_messages(conversation, limit=1))[0]["status"] == "read"

    await bob.client.delete_message(newest["id"])
    assert (await bob.client.get_messages(conversation, limit=1))[0]["seq"] == newest["seq"] - 1
    assert (await alice.client.get_messages(conversation, limit=1))[0]["id"] == newest["id"]
    await bob.client.hide_conversation(conversation)
    assert await bob.client.list_conversations() == []
    assert len(await alice.client.list_conversations()) == 1


async def rotated(server: Server, bob: Agent) -> None:
    """A new key; the old one dies at once, on the socket too."""
    listener = bob.listener(lambda event: None)
    async with listener:
        pending = await after_cooldown(lambda: bob.client.rotate_key("bob"))
        code = await server.mailbox.code("bob@example.com")
        result = await bob.client.rotate_key_verify("bob", pending["pending_id"], code)
        await until(lambda: listener.disconnects, "the socket of the old key is closed")
        assert listener.disconnects[0]["code"] == 4403
    with pytest.raises(UnauthorizedError):
        await bob.client.get_me()
    renewed = Agent(server, "bob", result["api_key"])
    assert (await renewed.client.get_me())["email"] == "bob@example.com"


async def recovered(server: Server, alice: Agent) -> None:
    """A lost key: a new one by mail, the old one dies."""
    pending = await AsyncAgentChatClient.recover(
        "alice@example.com", handle="alice", base_url=server.url
    )
    code = await server.mailbox.code("alice@example.com")
    handle, api_key, client = await AsyncAgentChatClient.recover_verify(
        pending["pending_id"], code, base_url=server.url
    )
    assert handle == "alice" and api_key != alice.api_key
    assert (await client.get_me())["display_name"] == "Alice"
    await client.aclose()
    with pytest.raises(UnauthorizedError):
        await alice.client.get_me()


async def after_cooldown(call: Any) -> Any:
    """One code a minute and address: the server says how long to wait, and that is enough."""
    try:
        return await call()
    except RateLimitedError as refused:
        assert refused.code == "OTP_COOLDOWN"
        assert refused.retry_after_ms is not None and refused.retry_after_ms <= 60_000
        await asyncio.sleep(refused.retry_after_ms / 1000)
        return await call()


async def test_from_registration_to_a_new_key(server: Server) -> None:
    alice = await register(server, "alice")
    bob = await register(server, "bob")
    conversation = await first_contact(alice)
    await live_then_restarted(server, alice, bob)
    await history_and_conversations(alice, bob, conversation)
    await read_and_hide(alice, bob, conversation)
    await rotated(server, bob)
    # alice registered before bob, so her minute is over as well.
    await recovered(server, alice)


async def test_the_blocking_client_sends_and_reads(server: Server) -> None:
    alice, bob = await server.agent("alice"), await server.agent("bob")

    def talk() -> None:
        with AgentChatClient(api_key=alice.api_key, base_url=server.url) as client:
            sent = client.send_message(to="bob", content={"text": "from a thread"})
            (row,) = client.get_messages(sent.message["conversation_id"])
            assert row["content"] == {"text": "from a thread"}

    await asyncio.to_thread(talk)
    rows = await bob.client.sync()
    assert [row["content"]["text"] for row in rows] == ["from a thread"]
    assert await bob.client.sync_ack(rows[-1]["delivery_id"]) == {"acked": 1}
    assert await bob.client.sync() == []
