"""Groups by the official SDK: every method, the models of its answers, the events of its socket."""

from collections.abc import Callable
from typing import Any

import pytest
from agentchat_server import Agent, Server, until
from agentchatme import AgentChatError, ForbiddenError, GroupDeletedError, NotFoundError
from agentchatme.types import (
    AddMemberRequest,
    AddMemberResult,
    ConversationListItem,
    ConversationParticipant,
    CreateGroupRequest,
    DeletedGroupInfo,
    GroupDetail,
    Group,
    GroupInvitation,
    GroupSettings,
    Message,
    MessageContent,
    SendMessageRequest,
    UpdateGroupRequest,
)
from calls import request
from shapes import all_checked, checked, complete, system_event

Speak = Callable[[Agent], Any]


async def roles(client: Any, group: str) -> dict[str, str]:
    """Who is in the group, in the order in which the server lists them, and as what."""
    detail = checked(GroupDetail, await client.get_group(group))
    assert detail.member_count == len(detail.members)
    return {member.handle: member.role for member in detail.members}


async def said(client: Any, group: str) -> list[Any]:
    """The group's system events that the client can see, oldest first."""
    rows = await client.get_messages(group, after_seq=0, limit=200)
    return [system_event(row) for row in rows if row["type"] == "system"]


async def test_a_group_is_made_of_accepted_invites(server: Server, speak: Speak) -> None:
    agents = await server.agents("alice", "bob", "carol", "dave")
    alice, bob, carol, dave = (speak(agent) for agent in agents)
    wanted = request(
        CreateGroupRequest,
        name="ops",
        description="keeps things running",
        member_handles=["@Bob", "carol", "bob", "alice", "nobody-here"],
        settings=GroupSettings(who_can_invite="admin"),
    )
    created = await alice.create_group(wanted)
    group = checked(GroupDetail, created["group"])
    assert checked(Group, created["group"]).id == group.id and group.id.startswith("grp_")
    assert (group.name, group.description) == ("ops", "keeps things running")
    assert (group.created_by, group.your_role) == ("alice", "admin")
    assert [(member.handle, member.role) for member in group.members] == [("alice", "admin")]
    assert (group.avatar_url, group.last_message_at, group.member_count) == (None, None, 1)
    results = all_checked(AddMemberResult, created["add_results"])
    assert [(one.handle, one.outcome) for one in results] == [
        ("bob", "invited"),
        ("carol", "invited"),
    ]
    assert created["add_errors"] == [{"handle": "nobody-here", "code": "AGENT_NOT_FOUND"}]

    (invitation,) = all_checked(GroupInvitation, await bob.list_group_invites())
    assert invitation.id == results[0].invite_id
    assert (invitation.group_id, invitation.group_name) == (group.id, "ops")
    assert (invitation.inviter_handle, invitation.group_member_count) == ("alice", 1)
    joined = checked(GroupDetail, await bob.accept_group_invite(invitation.id))
    assert (joined.id, joined.your_role, joined.member_count) == (group.id, "member", 2)
    assert await bob.list_group_invites() == []
    with pytest.raises(NotFoundError) as consumed:
        await bob.accept_group_invite(invitation.id)
    assert consumed.value.code == "INVITE_NOT_FOUND"

    rejected = await carol.reject_group_invite(results[1].invite_id)
    assert rejected == {"ok": True, "message": "Invite rejected"}
    with pytest.raises(NotFoundError):
        await carol.get_group(group.id)

    first = checked(AddMemberResult, await alice.add_group_member(group.id, "@dave"))
    again = checked(AddMemberResult, await alice.add_group_member(group.id, "dave"))
    assert first.outcome == "invited" and again == first
    present = await alice.add_group_member(group.id, request(AddMemberRequest, handle="bob")["handle"])
    assert present == {"handle": "bob", "outcome": "already_member"}
    await dave.accept_group_invite(first.invite_id)
    assert await roles(alice, group.id) == {"alice": "admin", "bob": "member", "dave": "member"}


async def test_members_are_ranked_renamed_and_removed(server: Server, speak: Speak) -> None:
    agents, group = await server.group("alice", "bob", "carol")
    alice, bob, carol = (speak(agent) for agent in agents)
    with pytest.raises(ForbiddenError) as member:
        await bob.update_group(group, request(UpdateGroupRequest, name="mine"))
    assert member.value.code == "FORBIDDEN"
    changes = request(
        UpdateGroupRequest,
        name="night ops",
        description="after hours",
        avatar_url="https://example.com/moon.png",
    )
    changed = checked(GroupDetail, await alice.update_group(group, changes))
    assert (changed.name, changed.avatar_url) == ("night ops", "https://example.com/moon.png")
    cleared = request(UpdateGroupRequest, description=None, avatar_url=None)
    changed = checked(GroupDetail, await alice.update_group(group, cleared))
    assert (changed.name, changed.description, changed.avatar_url) == ("night ops", None, None)

    assert await alice.promote_group_member(group, "bob") == {
        "ok": True,
        "message": "Member promoted to admin",
    }
    assert await bob.promote_group_member(group, "@Carol") == {
        "ok": True,
        "message": "Member promoted to admin",
    }
    assert await bob.demote_group_member(group, "carol") == {
        "ok": True,
        "message": "Admin demoted to member",
    }
    with pytest.raises(AgentChatError) as plain:
        await bob.demote_group_member(group, "carol")
    assert (plain.value.status, plain.value.code) == (400, "NOT_ADMIN")
    with pytest.raises(ForbiddenError):
        await bob.demote_group_member(group, "alice")
    assert await bob.remove_group_member(group, "carol") == {"ok": True, "message": "Member removed"}
    with pytest.raises(NotFoundError) as removed:
        await carol.get_group(group)
    assert removed.value.code == "GROUP_NOT_FOUND"
    with pytest.raises(NotFoundError) as gone:
        await alice.remove_group_member(group, "carol")
    assert gone.value.code == "NOT_MEMBER"

    events = await said(alice, group)
    assert [(event.event, getattr(event, "agent_handle", None)) for event in events] == [
        ("member_joined", "bob"),
        ("member_joined", "carol"),
        ("name_changed", None),
        ("description_changed", None),
        ("avatar_changed", None),
        ("description_changed", None),
        ("avatar_changed", None),
        ("admin_promoted", "bob"),
        ("admin_promoted", "carol"),
        ("admin_demoted", "carol"),
        ("member_removed", "carol"),
    ]
    assert events[2].new_name == "night ops"
    assert {event.actor_handle for event in events[2:8]} == {"alice"}
    assert {event.actor_handle for event in events[8:]} == {"bob"}


async def test_an_admin_who_leaves_is_followed_by_the_oldest_member(
    server: Server, speak: Speak
) -> None:
    agents, group = await server.group("alice", "bob", "carol")
    alice, bob, carol = (speak(agent) for agent in agents)
    assert await carol.leave_group(group) == {
        "ok": True,
        "message": "Left group",
        "promoted_handle": None,
    }
    left = await alice.leave_group(group)
    assert left["promoted_handle"] == "bob"
    detail = checked(GroupDetail, await bob.get_group(group))
    assert (detail.created_by, detail.your_role) == ("alice", "admin")
    events = await said(bob, group)
    assert [event.event for event in events[-3:]] == ["member_left", "member_left", "admin_promoted"]
    assert (events[-1].agent_handle, events[-1].actor_handle) == ("bob", None)
    # The creator has gone, so an admin may end it; who left long ago is told of it as well.
    assert (await bob.delete_group(group))["ok"] is True
    with pytest.raises(GroupDeletedError) as ended:
        await carol.get_group(group)
    assert ended.value.deleted_by_handle == "bob"


async def test_messages_of_a_group(server: Server, speak: Speak) -> None:
    agents, group = await server.group("alice", "bob", "carol")
    alice, bob, carol = (speak(agent) for agent in agents)
    asked = request(
        SendMessageRequest,
        client_msg_id="the question",
        conversation_id=group,
        content=MessageContent(text="@bob, @Carol: who is on call?", data={"shift": 2}),
        type="structured",
        metadata={"urgent": True},
    )
    sent = await alice.send_message(**asked)
    question = checked(Message, sent.message)
    assert (question.sender, question.conversation_id, question.type) == ("alice", group, "structured")
    assert question.content.data == {"shift": 2} and question.metadata == {"urgent": True}
    assert question.context is not None and question.context.mentions == ["bob", "carol"]
    assert question.context.conversation.group_name == "ops"
    assert question.context.conversation.member_count == 3
    answer = checked(
        Message, (await bob.send_message(conversation_id=group, content={"text": "me"})).message
    )
    assert answer.seq == question.seq + 1
    replay = await alice.send_message(**asked)
    assert replay.message["id"] == question.id

    rows = await carol.sync()
    assert [checked(Message, row).id for row in rows] == [question.id, answer.id]
    assert await carol.sync_ack(rows[-1]["delivery_id"]) == {"acked": 2}
    history = all_checked(Message, await carol.get_messages(group, limit=2))
    assert [message.id for message in history] == [answer.id, question.id]
    # Its own joining is the first that a member sees.
    first = (await carol.get_messages(group, after_seq=0, limit=1))[0]
    assert system_event(first).agent_handle == "carol"

    (item,) = all_checked(ConversationListItem, await carol.list_conversations())
    assert (item.id, item.type, item.participants) == (group, "group", [])
    assert (item.group_name, item.group_member_count, item.is_muted) == ("ops", 3, False)
    unread = (await carol.list_conversations())[0]["unread_count"]
    people = all_checked(ConversationParticipant, await carol.get_conversation_participants(group))
    assert [one.handle for one in people] == ["alice", "bob", "carol"]

    read = await carol.mark_as_read(question.id)
    assert read["ok"] is True and checked(Message, read).status == "read"
    assert (await carol.list_conversations())[0]["unread_count"] == unread - 1 == 1
    # A message of a group is read when everybody who got it has read it.
    assert (await alice.get_messages(group, limit=2))[1]["status"] == "stored"
    await bob.mark_as_read(question.id)
    assert (await alice.get_messages(group, limit=2))[1]["status"] == "read"

    hidden = await carol.delete_message(answer.id)
    assert hidden == {"ok": True, "message": "Message hidden from your view"}
    assert (await carol.get_messages(group, limit=1))[0]["id"] == question.id
    assert (await bob.get_messages(group, limit=1))[0]["id"] == answer.id
    assert await carol.hide_conversation(group) == {"ok": True, "hidden": True}
    assert await carol.list_conversations() == []
    assert await carol.get_messages(group) == []


async def test_every_method_says_that_a_group_was_deleted(server: Server, speak: Speak) -> None:
    agents, group = await server.group("alice", "bob", "carol", "dave")
    alice, bob, carol, dave = (speak(agent) for agent in agents)
    stranger = speak(await server.agent("erin"))
    invited = (await alice.add_group_member(group, "erin"))["invite_id"]
    await dave.leave_group(group)
    ended = await alice.delete_group(group)
    assert (ended["ok"], ended["message"]) == (True, "Group deleted")

    for former in (alice, bob, carol, dave):
        for name, call in naming(former, group).items():
            with pytest.raises(GroupDeletedError) as gone:
                await call
            error = gone.value
            assert (error.status, error.code) == (410, "GROUP_DELETED"), name
            told = checked(DeletedGroupInfo, dict(error.details or {}))
            assert (error.group_id, told.group_id) == (group, group), name
            assert (error.deleted_by_handle, error.deleted_at) == ("alice", ended["deleted_at"]), name
            assert error.request_id, name
    for name, call in naming(stranger, group).items():
        with pytest.raises(NotFoundError) as unknown:
            await call
        assert unknown.value.code in ("GROUP_NOT_FOUND", "CONVERSATION_NOT_FOUND"), name
    assert await stranger.list_group_invites() == []
    with pytest.raises(NotFoundError):
        await stranger.accept_group_invite(invited)
    assert await bob.list_conversations() == []


def naming(client: Any, group: str) -> dict[str, Any]:
    """A call of every method that names a group, not awaited yet."""
    return {
        "get_group": client.get_group(group),
        "update_group": client.update_group(group, {"name": "again"}),
        "delete_group": client.delete_group(group),
        "add_group_member": client.add_group_member(group, "frank"),
        "remove_group_member": client.remove_group_member(group, "bob"),
        "promote_group_member": client.promote_group_member(group, "bob"),
        "demote_group_member": client.demote_group_member(group, "bob"),
        "leave_group": client.leave_group(group),
        "send_message": client.send_message(conversation_id=group, text="anybody?"),
        "get_messages": client.get_messages(group),
        "get_conversation_participants": client.get_conversation_participants(group),
        "hide_conversation": client.hide_conversation(group),
        "mute_conversation": client.mute_conversation(group),
    }


async def test_members_hear_what_becomes_of_their_group(server: Server) -> None:
    alice, bob, carol = await server.agents("alice", "bob", "carol")
    async with bob.listener(lambda event: None) as listener:
        created = await alice.client.create_group({"name": "ops", "member_handles": ["bob"]})
        group = created["group"]["id"]
        (told,) = await listener.heard("group.invite.received")
        invitation = checked(GroupInvitation, told)
        assert (invitation.group_id, invitation.inviter_handle) == (group, "alice")
        assert told == (await bob.client.list_group_invites())[0]
        await bob.client.accept_group_invite(invitation.id)
        await alice.invite(group, carol)
        await alice.client.update_group(group, {"name": "day ops"})
        await alice.client.promote_group_member(group, "bob")
        await carol.client.leave_group(group)
        ended = await alice.client.delete_group(group)
        (deleted,) = await listener.heard("group.deleted")
        info = checked(DeletedGroupInfo, deleted)
        assert (info.group_id, info.deleted_by_handle) == (group, "alice")
        assert info.deleted_at == ended["deleted_at"]
        # The last message comes before the event that nothing comes after.
        assert [name for name, _ in listener.events][-2:] == ["message.new", "group.deleted"]
        # His own joining, number 1, is his own message: nobody has to tell him.
        others = [row for row in listener.of("message.new") if not row["is_own"]]
        assert [system_event(row).event for row in others] == [
            "member_joined",
            "name_changed",
            "admin_promoted",
            "member_left",
            "group_deleted",
        ]
        assert [row["seq"] for row in others] == [2, 3, 4, 5, 6]
        await bob.nothing_stored()
        assert listener.gaps == []
    for row in others:
        complete(Message.model_validate(row))
    with pytest.raises(GroupDeletedError):
        await bob.client.get_messages(group)


async def test_who_was_away_finds_only_the_notice_of_the_end(server: Server) -> None:
    (alice, bob, carol), group = await server.group("alice", "bob", "carol")
    for number in range(5):
        await alice.say(group, f"message {number}")
    await bob.client.mute_conversation(group)
    await alice.client.delete_group(group)
    # What nobody can act on any more waits for nobody: only the notice does.
    await until(lambda: only_notice(bob), "the notice alone waits for bob")
    notices: list[dict[str, Any]] = []
    async with bob.listener(lambda event: notices.append(event["payload"])):
        await until(lambda: notices, "the notice")
        await bob.nothing_stored()
    assert [system_event(row).event for row in notices] == ["group_deleted"]
    (row,) = await carol.client.sync()
    assert system_event(row).actor_handle == "alice"


async def only_notice(agent: Agent) -> bool:
    return await agent.undelivered() == 1


async def test_who_is_removed_hears_nothing_more(server: Server) -> None:
    (alice, bob, carol), group = await server.group("alice", "bob", "carol")
    await alice.say(group, "waits for bob")
    assert await bob.undelivered() == 1
    await alice.client.remove_group_member(group, "bob")
    assert await bob.undelivered() == 0
    async with bob.listener(lambda event: None) as listener:
        await alice.say(group, "without bob")
        # A message on another way shows that nothing of the group is on its way any more.
        await carol.client.send_message(to="bob", text="have you heard?")
        await listener.heard("message.new")
        assert [row["content"]["text"] for row in listener.of("message.new")] == ["have you heard?"]
    with pytest.raises(NotFoundError) as stranger:
        await bob.say(group, "let me in")
    assert stranger.value.code == "GROUP_NOT_FOUND"
