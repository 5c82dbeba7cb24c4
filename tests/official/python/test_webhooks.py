"""What webhooks deliver, checked by the official SDK's own verifier and models.

The Python SDK has no methods that manage webhooks, so these calls are made by hand.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from agentchat_server import Agent, until
from agentchatme._webhook_verify import (
    VerifyWebhookOptions,
    WebhookVerificationError,
    verify_webhook,
)
from agentchatme.types import DeletedGroupInfo, GroupInvitation, Message, PresenceBroadcast
from agentchatme.types.webhook import CreateWebhookRequest, WebhookConfig, WebhookPayload
from calls import request
from shapes import checked
from sink import Call, Sink

Serve = Callable[..., Any]
EVENTS = [
    "message.new",
    "message.read",
    "presence.update",
    "contact.blocked",
    "group.invite.received",
    "group.deleted",
]


async def hooked(agent: Agent, sink: Sink, *events: str) -> dict[str, Any]:
    """A webhook of the agent's, as it was made."""
    body = request(CreateWebhookRequest, url=sink.url, events=list(events))
    made = await called(agent, "POST", "/v1/webhooks", json=body)
    assert made.status_code == 201, made.text
    config = checked(WebhookConfig, made.json())
    assert (config.url, config.events, config.active) == (sink.url, list(events), True)
    return made.json()


async def called(agent: Agent, method: str, path: str, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {agent.api_key}"}
    async with httpx.AsyncClient(base_url=agent.server.url, headers=headers) as http:
        return await http.request(method, path, **more)


def verified(call: Call, secret: str) -> WebhookPayload:
    """What a delivery says, once the SDK believes it."""
    signature = call.headers["agentchat-signature"]
    told = verify_webhook(
        VerifyWebhookOptions(payload=call.body, signature=signature, secret=secret)
    )
    assert call.headers["x-agentchat-event"] == told["event"]
    return checked(WebhookPayload, told)


def reason(call: Call, **wrong: Any) -> str:
    options = {"payload": call.body, "signature": call.headers["agentchat-signature"], **wrong}
    with pytest.raises(WebhookVerificationError) as refused:
        verify_webhook(VerifyWebhookOptions(**options))
    return refused.value.reason


async def test_every_event_arrives_and_is_believed(serve: Serve) -> None:
    server = await serve("--webhook-allow-private")
    alice, bob = await server.agents("alice", "bob")
    async with Sink() as sink:
        secret = (await hooked(alice, sink, *EVENTS))["secret"]
        assert secret.startswith("whsec_")

        async def arrived(event: str) -> WebhookPayload:
            def found() -> list[Call]:
                return [call for call in sink.calls if call.headers["x-agentchat-event"] == event]

            await until(lambda: len(found()) == 1, f"one call of {event}")
            return verified(found()[0], secret)

        sent = await bob.client.send_message(to="alice", text="schöne Grüße 🦀 <&>\u2028")
        new = checked(Message, (await arrived("message.new")).data)
        assert (new.id, new.content.text) == (sent.message["id"], "schöne Grüße 🦀 <&>\u2028")
        assert (new.status, new.context.sender.handle) == ("stored", "bob")
        # Taking it settles it.
        await alice.nothing_stored()

        answer = await alice.client.send_message(to="bob", text="likewise")
        await bob.client.mark_as_read(answer.message["id"])
        read = (await arrived("message.read")).data
        assert (read["message_id"], read["reader"]) == (answer.message["id"], "bob")
        assert read["read_by"] == read["reader"] and read["at"] == read["read_at"]

        await bob.client.update_presence({"status": "busy", "custom_message": "at work"})
        presence = checked(PresenceBroadcast, (await arrived("presence.update")).data)
        assert (presence.handle, presence.status) == ("bob", "busy")

        group = (await bob.client.create_group({"name": "ops"}))["group"]["id"]
        await bob.client.add_group_member(group, "alice")
        invitation = checked(GroupInvitation, (await arrived("group.invite.received")).data)
        assert (invitation.group_id, invitation.inviter_handle) == (group, "bob")
        await alice.client.accept_group_invite(invitation.id)
        await bob.client.delete_group(group)
        ended = checked(DeletedGroupInfo, (await arrived("group.deleted")).data)
        assert (ended.group_id, ended.deleted_by_handle) == (group, "bob")

        await bob.client.block_agent("alice")
        assert (await arrived("contact.blocked")).data["blocked_by"] == "bob"


async def test_nobody_else_is_believed(serve: Serve) -> None:
    server = await serve("--webhook-allow-private")
    alice, bob = await server.agents("alice", "bob")
    async with Sink() as sink:
        secret = (await hooked(alice, sink, "message.new"))["secret"]
        await bob.client.send_message(to="alice", text="a hundred, please")
        await until(lambda: sink.calls, "the call")
        (call,) = sink.calls
        assert verified(call, secret).event == "message.new"
        assert reason(call, secret=secret + "x") == "bad_signature"
        forged = call.body.replace(b"a hundred", b"thousands")
        assert reason(call, secret=secret, payload=forged) == "bad_signature"
        assert reason(call, secret=secret, now=lambda: 4e9) == "timestamp_skew"
        assert reason(call, secret=secret, signature=None) == "missing_signature"
        assert call.headers["content-type"] == "application/json"
        assert call.headers["user-agent"] == "AgentChat-Webhooks/1"

        # The same bytes under the other scheme, as its libraries check it.
        delivery, time = call.headers["webhook-id"], call.headers["webhook-timestamp"]
        assert call.headers["x-agentchat-delivery"] == delivery
        assert call.headers["agentchat-signature"].startswith(f"t={time},")
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{delivery}.{time}.".encode() + call.body
        digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        assert call.headers["webhook-signature"] == f"v1,{digest}"


async def test_a_secret_is_replaced_while_the_old_one_still_signs(serve: Serve) -> None:
    server = await serve("--webhook-allow-private")
    alice, bob = await server.agents("alice", "bob")
    async with Sink() as sink:
        made = await hooked(alice, sink, "message.new")
        rotated = await called(alice, "POST", f"/v1/webhooks/{made['id']}/rotate-secret")
        assert rotated.json()["id"] == made["id"] and rotated.json()["secret"] != made["secret"]
        await bob.client.send_message(to="alice", text="hello")
        await until(lambda: sink.calls, "the call")
        assert verified(sink.calls[0], rotated.json()["secret"]).event == "message.new"
        assert len(sink.calls[0].headers["webhook-signature"].split(" ")) == 2


async def test_a_receiver_that_is_gone_is_left_alone(serve: Serve) -> None:
    server = await serve("--webhook-allow-private")
    alice, bob = await server.agents("alice", "bob")
    async with Sink(answers=[410]) as sink:
        made = await hooked(alice, sink, "message.new")
        path = f"/v1/webhooks/{made['id']}"
        await bob.client.send_message(to="alice", text="hello?")

        async def is_off() -> bool:
            return not (await called(alice, "GET", path)).json()["active"]

        await until(is_off, "the webhook is switched off")
        shown = (await called(alice, "GET", path)).json()
        assert (shown["disabled_reason"], "secret" in shown) == ("gone", False)
        assert await alice.undelivered() == 1
        (owed,) = (await called(alice, "GET", f"{path}/deliveries")).json()["deliveries"]
        assert (owed["status"], owed["last_status_code"], owed["attempts"]) == ("dead", 410, 1)
        assert (await called(alice, "DELETE", path)).json() == {"ok": True}
        assert (await called(alice, "GET", "/v1/webhooks")).json() == {"webhooks": []}
