"""Presence, typing and read receipts by the official SDK, over HTTP and over its sockets."""

from collections.abc import Callable
from typing import Any

import pytest
from agentchat_server import Agent, Server, until
from agentchatme import NotFoundError, ValidationError
from agentchatme.types import Presence, PresenceBatchRequest, PresenceBroadcast, PresenceUpdate
from calls import request
from shapes import all_checked, checked

Speak = Callable[[Agent], Any]


async def test_presence_is_for_oneself_and_contacts(server: Server, speak: Speak) -> None:
    agents = await server.agents("alice", "bob", "carol")
    alice, bob, carol = (speak(agent) for agent in agents)
    await alice.add_contact("bob")
    busy = request(PresenceUpdate, status="busy", custom_message="batch run")
    answer = await bob.update_presence(busy)
    own = checked(Presence, answer)
    assert answer["ok"] is True
    assert (own.handle, own.status, own.custom_message) == ("bob", "busy", "batch run")
    assert own.last_seen is not None
    seen = checked(Presence, await alice.get_presence("@Bob"))
    assert (seen.status, seen.custom_message) == ("busy", "batch run")
    assert checked(Presence, await bob.get_presence("bob")).status == "busy"
    with pytest.raises(NotFoundError) as hidden:
        await carol.get_presence("bob")
    assert hidden.value.code == "NOT_FOUND"

    asked = request(PresenceBatchRequest, handles=["@Bob", "carol", "nobody-here", "bob", "alice"])
    batch = await alice.get_presence_batch(asked["handles"])
    presences = all_checked(Presence, batch["presences"])
    assert [(one.handle, one.status) for one in presences] == [
        ("bob", "busy"),
        ("carol", "offline"),
        ("nobody-here", "offline"),
        ("alice", "offline"),
    ]
    assert (presences[1].custom_message, presences[1].last_seen) == (None, None)
    # What is left out is cleared.
    again = checked(Presence, await bob.update_presence(request(PresenceUpdate, status="offline")))
    assert (again.status, again.custom_message) == ("offline", None)
    with pytest.raises(ValidationError):
        await bob.update_presence({"status": "asleep"})
    with pytest.raises(ValidationError):
        await alice.get_presence_batch([])


async def test_contacts_hear_of_a_presence(server: Server) -> None:
    alice, bob, carol = await server.agents("alice", "bob", "carol")
    await alice.client.add_contact("bob")

    async with alice.listener(lambda event: None) as watching:
        async with carol.listener(lambda event: None) as stranger:
            async with bob.listener(lambda event: None) as subject:
                await seen(watching, 1, "online", None)
                frame = {"status": "busy", "custom_message": "in a meeting"}
                await subject.client.send({"type": "presence.update", "payload": frame})
                await seen(watching, 2, "busy", "in a meeting")
                assert (await alice.client.get_presence("bob"))["status"] == "busy"
            # The last socket has closed; the message is nobody's business any more.
            await seen(watching, 3, "offline", None)
            assert subject.of("presence.update") == []
        assert stranger.of("presence.update") == []


async def seen(listener: Any, count: int, status: str, message: str | None) -> None:
    """Waits for so many broadcasts of bob; they are two seconds apart."""
    newest = checked(PresenceBroadcast, (await listener.heard("presence.update", count))[-1])
    assert (newest.handle, newest.status, newest.custom_message) == ("bob", status, message)
    assert len(listener.of("presence.update")) == count


async def test_typing_reaches_the_other_members(server: Server) -> None:
    (alice, bob, carol), group = await server.group("alice", "bob", "carol")
    async with (
        alice.listener(lambda event: None) as writer,
        bob.listener(lambda event: None) as reader,
        carol.listener(lambda event: None) as muting,
    ):
        await carol.client.mute_agent("alice")
        for what in ("typing.start", "typing.stop"):
            await writer.client.send({"type": what, "payload": {"conversation_id": group}})
            assert await reader.heard(what) == [{"conversation_id": group, "sender": "alice"}]
        await alice.say(group, "done")
        await bob.say(group, "so I see")
        # What comes to everybody shows that nothing is on its way any more.
        await muting.heard("message.new")
        assert writer.of("typing.start") == []
        assert muting.of("typing.start") == muting.of("typing.stop") == []


async def test_every_sender_of_a_group_hears_who_read_it(server: Server) -> None:
    (alice, bob, carol), group = await server.group("alice", "bob", "carol")
    async with (
        alice.listener(lambda event: None) as first,
        bob.listener(lambda event: None) as second,
        carol.listener(lambda event: None) as reader,
    ):
        await alice.say(group, "one")
        newest_of_alice = await alice.say(group, "two")
        newest_of_bob = await bob.say(group, "three")
        await reader.heard("message.new", 3)
        frame = {"conversation_id": group, "through_seq": newest_of_bob["seq"]}
        await reader.client.send({"type": "message.read_ack", "payload": frame})
        (told_alice,) = await first.heard("message.read")
        (told_bob,) = await second.heard("message.read")
        for told, message in ((told_alice, newest_of_alice), (told_bob, newest_of_bob)):
            assert told["message_id"] == message["id"]
            assert told["conversation_id"] == group
            assert told["seq"] == told["through_seq"] == message["seq"]
            assert told["read_by"] == told["reader"] == "carol"
            assert told["read_at"] == told["at"]
        (item,) = await carol.client.list_conversations()
        assert (item["unread_count"], item["oldest_unread_seq"]) == (0, None)
        assert reader.of("message.read") == []


async def test_a_sender_is_warned_before_its_budget_ends(
    serve: Callable[..., Any],
) -> None:
    server = await serve("--limit", "send=10/60")
    (alice, bob), group = await server.group("alice", "bob")
    async with alice.listener(lambda event: None) as listener:
        for number in range(9):
            await alice.say(group, f"message {number}")
        (warning,) = await listener.heard("rate_limit.warning")
    assert (warning["endpoint"], warning["limit"]) == ("POST /v1/messages", 10)
    assert warning["remaining"] < 2 and warning["reset_at"].endswith("Z")
    await until(lambda: listener.disconnects, "the socket is closed")
    assert await bob.undelivered() == 9
