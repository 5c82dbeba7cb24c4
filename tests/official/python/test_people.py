"""Accounts, contacts, blocks, reports, mutes and the directory by the official SDK."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from agentchat_server import Agent, Server, listed
from agentchatme import (
    AgentChatError,
    BlockedError,
    ForbiddenError,
    NotFoundError,
    UnauthorizedError,
    ValidationError,
)
from agentchatme._client import MuteEntry
from agentchatme.types import (
    AddContactRequest,
    Agent as AgentRecord,
    AgentProfile,
    AgentSettings,
    BlockedAgent,
    Contact,
    ConversationListItem,
    ReportRequest,
    UpdateAgentRequest,
    UpdateContactRequest,
)
from calls import request
from shapes import all_checked, checked

Speak = Callable[[Agent], Any]


async def test_an_account_is_shown_changed_and_deleted(server: Server, speak: Speak) -> None:
    agents = await server.agents("alice", "bob")
    alice, bob = (speak(agent) for agent in agents)
    own = checked(AgentRecord, await alice.get_me())
    assert (own.handle, own.email, own.status) == ("alice", "alice@example.com", "active")
    assert (own.settings.inbox_mode, own.settings.group_invite_policy) == ("open", "open")
    changes = request(
        UpdateAgentRequest,
        display_name="Alice A.",
        description="first line\nsecond line",
        settings=AgentSettings(inbox_mode="contacts_only", group_invite_policy="contacts_only"),
    )
    changed = checked(AgentRecord, await alice.update_agent("@Alice", changes))
    assert changed.settings.group_invite_policy == "contacts_only"
    profile = checked(AgentProfile, await bob.get_agent("@alice"))
    assert (profile.display_name, profile.description) == ("Alice A.", "first line\nsecond line")
    with pytest.raises(ForbiddenError):
        await bob.update_agent("alice", {"display_name": "Mallory"})

    with pytest.raises(ForbiddenError) as closed:
        await bob.send_message(to="alice", text="may I?")
    assert (closed.value.code, closed.value.details) == ("INBOX_RESTRICTED", {"handle": "alice"})
    group = (await bob.create_group({"name": "ops"}))["group"]["id"]
    with pytest.raises(ForbiddenError) as uninvited:
        await bob.add_group_member(group, "alice")
    assert uninvited.value.code == "INBOX_RESTRICTED"
    await alice.add_contact("bob")
    await bob.send_message(to="alice", text="now I may")
    assert (await bob.add_group_member(group, "alice"))["outcome"] == "invited"

    assert await alice.delete_agent("alice") == {"ok": True, "message": "Account deleted"}
    with pytest.raises(UnauthorizedError):
        await alice.get_me()
    with pytest.raises(NotFoundError) as gone:
        await bob.get_agent("alice")
    assert gone.value.code == "AGENT_NOT_FOUND"


async def test_contacts(server: Server, speak: Speak) -> None:
    names = ("alice", "ben", "bob", "carol", "cleo", "dave")
    alice, *_ = (speak(agent) for agent in await server.agents(*names))
    added = checked(
        Contact, await alice.add_contact(request(AddContactRequest, handle="@Bob")["handle"])
    )
    assert (added.handle, added.status, added.notes) == ("bob", "active", None)
    notes = request(UpdateContactRequest, notes="answers at night\nand early")["notes"]
    assert await alice.update_contact_notes("bob", notes) == {"ok": True}
    again = checked(Contact, await alice.add_contact("bob"))
    assert (again.added_at, again.notes) == (added.added_at, "answers at night\nand early")
    checked_contact = await alice.check_contact("bob")
    assert checked_contact == {"is_contact": True, "added_at": added.added_at, "notes": again.notes}
    nobody = {"is_contact": False, "added_at": None, "notes": None}
    assert await alice.check_contact("dave") == nobody
    assert await alice.check_contact("nobody-here") == nobody
    await alice.update_contact_notes("bob", None)
    assert (await alice.check_contact("bob"))["notes"] is None

    for name in ("dave", "carol", "ben", "cleo"):
        await alice.add_contact(name)
    everybody = ["ben", "bob", "carol", "cleo", "dave"]
    page = await alice.list_contacts(limit=2, offset=1)
    assert [contact.handle for contact in all_checked(Contact, page["contacts"])] == ["bob", "carol"]
    assert (page["total"], page["limit"], page["offset"]) == (5, 2, 1)
    assert page["items"] == page["contacts"]
    assert [row["handle"] for row in await listed(alice, "contacts", page_size=2)] == everybody
    three = await listed(alice, "contacts", page_size=2, max=3)
    assert [row["handle"] for row in three] == everybody[:3]

    assert await alice.remove_contact("ben") == {"ok": True}
    for call in (alice.remove_contact("ben"), alice.update_contact_notes("ben", "gone")):
        with pytest.raises(NotFoundError) as absent:
            await call
        assert absent.value.code == "NOT_FOUND"
    with pytest.raises(NotFoundError) as unknown:
        await alice.add_contact("nobody-here")
    assert unknown.value.code == "AGENT_NOT_FOUND"
    with pytest.raises(ValidationError):
        await alice.add_contact("alice")


async def test_who_answers_becomes_a_contact_of_both(server: Server) -> None:
    alice, bob, _ = await server.acquainted("alice", "bob")
    assert (await alice.client.check_contact("bob"))["is_contact"] is True
    assert (await bob.client.check_contact("alice"))["is_contact"] is True


async def test_a_block_holds_both_ways_and_ends(server: Server, speak: Speak) -> None:
    one, other, conversation = await server.acquainted("alice", "bob")
    alice, bob = speak(one), speak(other)
    assert await bob.block_agent("@alice") == {"ok": True}
    assert await bob.block_agent("alice") == {"ok": True}
    group = (await alice.create_group({"name": "ops"}))["group"]["id"]
    for call in (
        alice.send_message(to="bob", text="why?"),
        alice.send_message(conversation_id=conversation, text="why?"),
        bob.send_message(to="alice", text="you know why"),
        alice.add_group_member(group, "bob"),
    ):
        with pytest.raises(BlockedError) as blocked:
            await call
        assert (blocked.value.status, blocked.value.code) == (403, "BLOCKED")
    # The SDK has a model for the list of the blocked and no method that asks for it.
    listing = await other.client._get("/v1/contacts/blocked")
    (entry,) = all_checked(BlockedAgent, listing["blocked"])
    assert (entry.handle, listing["total"]) == ("alice", 1)
    assert await bob.unblock_agent("alice") == {"ok": True}
    with pytest.raises(NotFoundError):
        await bob.unblock_agent("alice")
    await alice.send_message(to="bob", text="thank you")
    with pytest.raises(ValidationError):
        await bob.block_agent("bob")


async def test_a_report_is_made_once_and_blocks(server: Server, speak: Speak) -> None:
    agents = await server.agents("alice", "bob", "carol")
    alice, bob, carol = (speak(agent) for agent in agents)
    reason = request(ReportRequest, reason="sells what nobody wants")["reason"]
    assert await bob.report_agent("alice", reason) == {"ok": True}
    assert await carol.report_agent("alice") == {"ok": True}
    with pytest.raises(BlockedError):
        await alice.send_message(to="bob", text="buy this")
    with pytest.raises(AgentChatError) as twice:
        await bob.report_agent("alice", reason)
    assert (twice.value.status, twice.value.code) == (409, "ALREADY_REPORTED")
    with pytest.raises(ValidationError) as long:
        await carol.report_agent("bob", "x" * 1001)
    assert list((long.value.details or {})["fieldErrors"]) == ["reason"]


def mute_entry(row: dict[str, Any]) -> MuteEntry:
    """The typed view that the SDK gives its users."""
    names = ("muter_agent_id", "target_kind", "target_id", "muted_until", "created_at")
    return MuteEntry(**{name: row[name] for name in names})


async def test_mutes(server: Server, speak: Speak) -> None:
    one, _, conversation = await server.acquainted("alice", "bob")
    alice = speak(one)
    own = (await alice.get_me())["id"]
    assert await alice.get_agent_mute_status("bob") is None
    assert await alice.get_conversation_mute_status(conversation) is None

    until = datetime.now(UTC) + timedelta(hours=1)
    until = until.replace(microsecond=0)
    row = await alice.mute_agent("@Bob", muted_until=until.isoformat())
    entry = mute_entry(row)
    assert (entry.muter_agent_id, entry.target_kind, entry.target_id) == (own, "agent", "bob")
    assert entry.muted_until == until.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert row["target_handle"] == "bob"
    (item,) = all_checked(ConversationListItem, await alice.list_conversations())
    assert item.is_muted is True
    forever = mute_entry(await alice.mute_conversation(conversation))
    assert (forever.target_kind, forever.target_id) == ("conversation", conversation)
    assert forever.muted_until is None
    assert (await alice.mute_agent("bob"))["muted_until"] is None

    mutes = (await alice.list_mutes())["mutes"]
    assert {mute_entry(mute).target_id for mute in mutes} == {"bob", conversation}
    (agent,) = (await alice.list_mutes(kind="agent"))["mutes"]
    assert agent == await alice.get_agent_mute_status("bob")
    (room,) = (await alice.list_mutes(kind="conversation"))["mutes"]
    assert room == await alice.get_conversation_mute_status(conversation)

    assert await alice.unmute_agent("bob") == {"ok": True}
    assert await alice.unmute_conversation(conversation) == {"ok": True}
    assert (await alice.list_mutes())["mutes"] == []
    assert (await alice.list_conversations())[0]["is_muted"] is False
    for call in (alice.unmute_agent("bob"), alice.unmute_conversation(conversation)):
        with pytest.raises(NotFoundError) as absent:
            await call
        assert absent.value.code == "NOT_FOUND"
    with pytest.raises(AgentChatError) as itself:
        await alice.mute_agent("alice")
    assert (itself.value.status, itself.value.code) == (400, "SELF_MUTE")
    with pytest.raises(ValidationError) as past:
        await alice.mute_agent("bob", muted_until="2020-01-01T00:00:00Z")
    assert "muted_until" in (past.value.details or {})["fieldErrors"]
    with pytest.raises(NotFoundError) as unknown:
        await alice.mute_conversation("conv_01KF0FV2ENFV1T8ZEF0PGKKP4N")
    assert unknown.value.code == "CONVERSATION_NOT_FOUND"


async def test_the_directory_finds_by_the_start_of_a_handle(server: Server, speak: Speak) -> None:
    names = [f"scout-{letter}" for letter in "abcde"]
    agents = await server.agents("alice", *names, "scribe")
    alice = speak(agents[0])
    await alice.add_contact("scout-b")
    page = await alice.search_agents("@Scout", limit=2, offset=1)
    assert (page["total"], page["limit"], page["offset"]) == (5, 2, 1)
    found = all_checked(AgentProfile, page["agents"])
    assert [profile.handle for profile in found] == ["scout-b", "scout-c"]
    assert [row["in_contacts"] for row in page["agents"]] == [True, False]
    assert page["items"] == page["agents"]
    everybody = await listed(alice, "search_agents_all", "sc", page_size=2)
    assert [row["handle"] for row in everybody] == [*names, "scribe"]
    some = await listed(alice, "search_agents_all", "scout", page_size=2, max=3)
    assert [row["handle"] for row in some] == names[:3]
    assert (await alice.search_agents("a"))["agents"][0]["handle"] == "alice"
    assert (await alice.search_agents("scout%"))["total"] == 0
    with pytest.raises(ValidationError):
        await alice.search_agents("")
