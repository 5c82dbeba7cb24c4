"""Every refusal the SDK has a class for, provoked, and caught by that class with its fields."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from agentchat_server import Agent, Blocking, Server, until
from agentchatme import (
    AgentChatClient,
    AgentChatError,
    AsyncAgentChatClient,
    AwaitingReplyError,
    ConnectionError,
    EmailExhaustedError,
    EmailLimitReachedError,
    ForbiddenError,
    HandleRequiredError,
    NotFoundError,
    RateLimitedError,
    RecipientBackloggedError,
    RestrictedError,
    RetryPolicy,
    SuspendedError,
    UnauthorizedError,
    ValidationError,
)
from agentchatme._client import CallOptions
from agentchatme.types import RecoverRequest, RegisterRequest, VerifyRequest
from calls import request

Speak = Callable[[Agent], Any]
Serve = Callable[..., Any]
NO_RETRY = RetryPolicy(max_retries=0)


def at_once(agent: Agent) -> AsyncAgentChatClient:
    """The agent's client, which reports what it would otherwise wait for."""
    return AsyncAgentChatClient(
        api_key=agent.api_key, base_url=agent.server.url, retry=NO_RETRY
    )


async def test_a_cold_conversation_waits_for_its_answer(server: Server, speak: Speak) -> None:
    alice, bob = (speak(agent) for agent in await server.agents("alice", "bob"))
    first = await alice.send_message(to="@Bob", text="hello?")
    with pytest.raises(AwaitingReplyError) as waiting:
        await alice.send_message(to="bob", text="are you there?")
    error = waiting.value
    assert (error.status, error.code) == (403, "AWAITING_REPLY")
    assert (error.recipient_handle, error.waiting_since) == ("bob", first.message["created_at"])
    await bob.send_message(to="alice", text="yes")
    assert (await alice.send_message(to="bob", text="good")).message["seq"] == 3


async def test_a_full_inbox_refuses_and_is_skipped_by_groups(serve: Serve) -> None:
    server = await serve("--limit", "backlog_warn=2", "--limit", "backlog_hard=4")
    (alice, bob, carol), group = await server.group("alice", "bob", "carol")
    await bob.client.send_message(to="alice", text="tell me everything")
    warnings: list[Any] = []
    careful = AsyncAgentChatClient(
        api_key=alice.api_key, base_url=server.url, on_backlog_warning=warnings.append
    )
    for number in range(4):
        sent = await careful.send_message(to="bob", text=f"thing {number}")
        expected = None if number < 2 else ("bob", number)
        warned = sent.backlog_warning
        assert (warned and (warned.recipient_handle, warned.undelivered_count)) == expected
    assert [warning.undelivered_count for warning in warnings] == [2, 3]
    with pytest.raises(RecipientBackloggedError) as full:
        await at_once(alice).send_message(to="bob", text="one thing more")
    error = full.value
    assert (error.status, error.code) == (429, "RECIPIENT_BACKLOGGED")
    assert (error.recipient_handle, error.undelivered_count) == ("bob", 4)
    assert (error.details or {})["retry_after_ms"] == 60_000

    message = await alice.say(group, "for everybody with room")
    assert message["skipped_recipients"] == ["bob"]
    assert await bob.undelivered() == 4
    assert await carol.take_all() == ["for everybody with room"]
    # Skipped is not hidden: it stands in the history of all members.
    assert (await bob.client.get_messages(group, limit=1))[0]["id"] == message["id"]
    await bob.take_all()
    assert "skipped_recipients" not in await carol.say(group, "again")
    assert await bob.take_all() == ["again"]


async def test_an_agent_many_block_is_restricted_and_then_suspended(serve: Serve) -> None:
    server = await serve("--limit", "restrict_blocks=2", "--limit", "suspend_reports=3")
    eve, *others = await server.agents("eve", "ann", "ben", "cal", "dan")
    for other in others:
        await eve.client.send_message(to=other.handle, text="an offer")
    ann, ben, cal, dan = (other.client for other in others)
    await dan.send_message(to="eve", text="what offer?")
    await ann.block_agent("eve")
    assert (await eve.client.get_me())["status"] == "active"
    await ben.block_agent("eve")
    assert (await eve.client.get_me())["status"] == "restricted"
    assert (await cal.get_agent("eve"))["status"] == "restricted"
    await server.agent("fay")
    with pytest.raises(RestrictedError) as cold:
        await eve.client.send_message(to="fay", text="an offer")
    assert (cold.value.status, cold.value.code) == (403, "RESTRICTED")
    # Only strangers are spared: who answered still gets what was asked for.
    await eve.client.send_message(to="dan", text="this one")

    async with eve.listener(lambda event: None) as listener:
        for other in (ann, ben, cal):
            await other.report_agent("eve", "unasked offers")
        await until(lambda: listener.disconnects, "the socket is closed")
        assert listener.disconnects[0]["code"] == 4403
        assert listener.disconnects[0]["reason"] == "Account suspended"
        await until(lambda: listener.errors, "the SDK says that it stays away")
        assert isinstance(listener.errors[0], ConnectionError)
    with pytest.raises(SuspendedError) as suspended:
        await eve.client.list_conversations()
    error = suspended.value
    assert (error.status, error.code) == (403, "SUSPENDED")
    assert (error.details or {})["reason"] == "community_enforcement"
    assert (await eve.client.get_me())["status"] == "suspended"
    with pytest.raises(NotFoundError) as masked:
        await dan.get_agent("eve")
    assert masked.value.code == "AGENT_NOT_FOUND"


async def test_a_rate_limit_says_how_long_to_wait(serve: Serve) -> None:
    server = await serve(
        *("--limit", "group_create=2/3600"),
        *("--limit", "group_invite=1/86400"),
        *("--limit", "group_send=3/1"),
    )
    alice, bob, carol = await server.agents("alice", "bob", "carol")
    made = [await alice.client.create_group({"name": "ops"}) for _ in range(2)]
    group = made[0]["group"]["id"]
    await alice.invite(group, bob)
    limited = at_once(alice)
    for call, reason, limit, window in (
        (limited.create_group({"name": "ops"}), "group_create", 2, 3600),
        (limited.add_group_member(group, "carol"), "group_invite", 1, 86400),
    ):
        with pytest.raises(RateLimitedError) as refused:
            await call
        error = refused.value
        assert (error.status, error.code) == (429, "RATE_LIMITED")
        details = dict(error.details or {})
        assert (details["reason"], details["limit"], details["window_s"]) == (reason, limit, window)
        assert error.retry_after_ms is not None
        assert 0 <= error.retry_after_ms - details["retry_after_ms"] < 1000
        assert 1_000 <= error.retry_after_ms <= window * 1000
    created = await bob.client.create_group({"name": "more", "member_handles": ["alice", "carol"]})
    assert created["add_errors"] == [{"handle": "carol", "code": "RATE_LIMITED"}]
    # A send is safe to repeat, so the SDK itself waits as long as it is told to.
    texts = [f"message {number}" for number in range(6)]
    for text in texts:
        await bob.say(group, text)
    assert [text for text in await alice.take_all() if text] == texts


async def test_the_cold_cap_is_a_rate_limit(serve: Serve) -> None:
    server = await serve("--limit", "cold_cap=2")
    alice, *_ = await server.agents("alice", "bob", "carol", "dave")
    limited = at_once(alice)
    for name in ("bob", "carol"):
        await limited.send_message(to=name, text="hello")
    with pytest.raises(RateLimitedError) as refused:
        await limited.send_message(to="dave", text="hello")
    details = dict(refused.value.details or {})
    assert (details["reason"], details["limit"]) == ("cold_outreach_cap", 2)
    day = 86_400_000
    assert refused.value.retry_after_ms is not None
    assert day - 60_000 < refused.value.retry_after_ms <= day


async def test_what_is_wrong_with_a_request_is_named(server: Server, speak: Speak) -> None:
    alice, _ = (speak(agent) for agent in await server.agents("alice", "bob"))
    for call, field in (
        (alice.create_group({"name": " "}), "name"),
        (alice.create_group({"name": "ops", "member_handles": "bob"}), "member_handles"),
        (alice.create_group({"name": "ops", "avatar_url": "http://example.com/a.png"}), "avatar_url"),
        (alice.update_presence({"status": "online", "custom_message": "x" * 201}), "custom_message"),
        (alice.list_contacts(limit=0), "limit"),
        (alice.send_message(to="bob", content={}), "content"),
        (alice.list_mutes(kind="room"), "kind"),
    ):
        with pytest.raises(ValidationError) as refused:
            await call
        error = refused.value
        assert (error.status, error.code) == (400, "VALIDATION_ERROR")
        assert error.request_id
        details = dict(error.details or {})
        assert isinstance(details["formErrors"], list)
        assert list(details["fieldErrors"]) == [field]
        assert all(isinstance(text, str) for text in details["fieldErrors"][field])
    # Of both or neither it cannot be said which field is wrong.
    with pytest.raises(ValidationError) as neither:
        await alice.send_message(text="to whom?")
    assert (neither.value.details or {})["formErrors"]


async def test_who_may_not_and_what_is_not_there(server: Server, speak: Speak) -> None:
    agents, group = await server.group("alice", "bob")
    alice, bob = (speak(agent) for agent in agents)
    for call in (
        bob.update_group(group, {"name": "mine"}),
        bob.delete_group(group),
        bob.add_group_member(group, "carol"),
        bob.remove_group_member(group, "alice"),
        alice.update_agent("bob", {"description": "x"}),
        alice.delete_agent("nobody-here"),
        alice.rotate_key("bob"),
    ):
        with pytest.raises(ForbiddenError) as forbidden:
            await call
        assert (forbidden.value.status, forbidden.value.code) == (403, "FORBIDDEN")
    nothing = "grp_01KF0FV2EWF5WA0HM5ZD1QSCP7"
    for call, code in (
        (alice.get_group(nothing), "GROUP_NOT_FOUND"),
        (alice.send_message(conversation_id=nothing, text="x"), "GROUP_NOT_FOUND"),
        (alice.get_messages(nothing), "CONVERSATION_NOT_FOUND"),
        (alice.get_conversation_participants("conv_x"), "CONVERSATION_NOT_FOUND"),
        (alice.mark_as_read("msg_x"), "MESSAGE_NOT_FOUND"),
        (alice.delete_message("msg_x"), "MESSAGE_NOT_FOUND"),
        (alice.promote_group_member(group, "nobody-here"), "AGENT_NOT_FOUND"),
        (alice.reject_group_invite("inv_x"), "INVITE_NOT_FOUND"),
        (alice.block_agent("nobody-here"), "AGENT_NOT_FOUND"),
    ):
        with pytest.raises(NotFoundError) as absent:
            await call
        assert (absent.value.status, absent.value.code) == (404, code)
    stranger = type(agents[0])(server, "alice", "ac_live_" + "0" * 49)
    with pytest.raises(UnauthorizedError) as unknown:
        await speak(stranger).list_group_invites()
    assert (unknown.value.status, unknown.value.code) == (401, "UNAUTHORIZED")


async def test_an_email_backs_only_so_many_agents(serve: Serve) -> None:
    server = await serve("--limit", "emails_live=2", "--limit", "emails_lifetime=3")
    address = "crew@example.com"
    first, second = [await server.agent(handle, email=address) for handle in ("ann", "ben")]

    def register(handle: str) -> Any:
        return AsyncAgentChatClient.register(email=address, handle=handle, base_url=server.url)

    with pytest.raises(EmailLimitReachedError) as living:
        await register("cal")
    assert (living.value.status, living.value.limit) == (409, 2)
    # One code serves both who lost their key: the address does not say which of them.
    pending = await AsyncAgentChatClient.recover(address, base_url=server.url)
    code = await server.mailbox.code(address)
    with pytest.raises(HandleRequiredError) as several:
        await AsyncAgentChatClient.recover_verify(pending["pending_id"], code, base_url=server.url)
    assert (several.value.status, several.value.handles) == (409, ["ann", "ben"])
    # Whoever is deleted makes room for another, but has been there.
    await first.client.delete_agent("ann")
    await server.agent("cal", email=address)
    await second.client.delete_agent("ben")
    with pytest.raises(EmailExhaustedError) as ever:
        await register("dan")
    assert (ever.value.status, ever.value.limit) == (409, 3)


async def test_the_blocking_client_registers_and_recovers(server: Server) -> None:
    bob, carol = await server.agents("bob", "carol")

    def called(method: Any, body: dict[str, Any]) -> Any:
        return asyncio.to_thread(method, **body, base_url=server.url)

    wanted = request(RegisterRequest, email="alice@example.com", handle="alice")
    pending = await called(AgentChatClient.register, wanted)
    code = await server.mailbox.code("alice@example.com")
    answer = request(VerifyRequest, pending_id=pending["pending_id"], code=code)
    record, api_key, client = await called(AgentChatClient.verify, answer)
    assert record["handle"] == "alice" and api_key.startswith("ac_live_")
    with client as open_client:
        assert (await asyncio.to_thread(open_client.get_me))["id"] == record["id"]

    lost = request(RecoverRequest, email="bob@example.com", handle="bob")
    pending = await called(AgentChatClient.recover, lost)
    code = await server.mailbox.code("bob@example.com")
    answer = request(VerifyRequest, pending_id=pending["pending_id"], code=code)
    handle, new_key, client = await called(AgentChatClient.recover_verify, answer)
    assert handle == "bob" and new_key != bob.api_key
    assert (await asyncio.to_thread(client.get_me))["handle"] == "bob"
    client.close()

    blocking = Blocking(carol)
    pending = await blocking.rotate_key("carol")
    code = await server.mailbox.code("carol@example.com")
    rotated = await blocking.rotate_key_verify("carol", pending["pending_id"], code)
    assert rotated["handle"] == "carol"
    with pytest.raises(UnauthorizedError):
        await blocking.get_me()


async def test_a_server_that_is_away_is_a_connection_error(server: Server) -> None:
    alice = await server.agent("alice")
    await server.stop()
    with pytest.raises(ConnectionError):
        await at_once(alice).get_me()


class Once:
    """Calls under one Idempotency-Key: what is asked for again is only told again."""

    def __init__(self, client: Any, key: str) -> None:
        self.client = client
        self.opts = CallOptions(idempotency_key=key, timeout_ms=10_000)

    async def twice(self, method: str, *args: Any, **named: Any) -> Any:
        call = getattr(self.client, method)
        first = await call(*args, **named, opts=self.opts)
        assert await call(*args, **named, opts=self.opts) == first
        return first


async def test_a_call_under_a_key_happens_once(server: Server, speak: Speak) -> None:
    agents = await server.agents("alice", "bob", "carol")
    alice, bob, carol = (speak(agent) for agent in agents)

    wanted = {"name": "ops", "member_handles": ["bob", "carol"]}
    created = await Once(alice, "create-group-1").twice("create_group", wanted)
    group = created["group"]["id"]
    assert len(await alice.list_conversations()) == 1
    for_bob, for_carol = (result["invite_id"] for result in created["add_results"])
    await Once(bob, "accept-invite-1").twice("accept_group_invite", for_bob)
    await Once(carol, "reject-invite-1").twice("reject_group_invite", for_carol)
    # Each of these fails when it is done a second time.
    for key, method, args in (
        ("promote-bob-1", "promote_group_member", (group, "bob")),
        ("demote-bob-1", "demote_group_member", (group, "bob")),
        ("remove-bob-1", "remove_group_member", (group, "bob")),
        ("report-bob-1", "report_agent", ("bob", "rude")),
        ("unblock-bob-1", "unblock_agent", ("bob",)),
        ("delete-group-1", "delete_group", (group,)),
    ):
        await Once(alice, key).twice(method, *args)
    await Once(alice, "add-contact-1").twice("add_contact", "carol")
    await Once(alice, "remove-contact-1").twice("remove_contact", "carol")
    await Once(alice, "mute-carol-1").twice("mute_agent", "carol")
    await Once(alice, "unmute-carol-1").twice("unmute_agent", "carol")
    await Once(alice, "presence-1").twice("update_presence", {"status": "busy"})
    assert await agents[1].undelivered() <= 1

    with pytest.raises(AgentChatError) as other:
        await alice.create_group({"name": "else"}, CallOptions(idempotency_key="create-group-1"))
    assert (other.value.status, other.value.code) == (422, "IDEMPOTENCY_KEY_CONFLICT")
    with pytest.raises(AgentChatError) as malformed:
        await alice.create_group({"name": "else"}, CallOptions(idempotency_key="no"))
    assert (malformed.value.status, malformed.value.code) == (400, "IDEMPOTENCY_KEY_INVALID")
    # Keys are everybody's own.
    assert (await bob.create_group({"name": "else"}, CallOptions(idempotency_key="create-group-1")))[
        "group"
    ]["name"] == "else"
    sent = await alice.send_message(to="carol", text="once", client_msg_id="once")
    with pytest.raises(AgentChatError) as payload:
        await alice.send_message(to="carol", text="twice", client_msg_id="once")
    assert payload.value.code == "IDEMPOTENCY_KEY_CONFLICT"
    assert (await carol.sync())[-1]["id"] == sent.message["id"]
