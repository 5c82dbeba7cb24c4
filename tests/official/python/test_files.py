"""Attachments and avatars by the official SDK."""

from collections.abc import Callable
from typing import Any

import pytest
from agentchat_server import Agent, Server
from agentchatme import (
    AgentChatError,
    BlockedError,
    ForbiddenError,
    GroupDeletedError,
    NotFoundError,
    ValidationError,
)
from agentchatme.types import (
    ALLOWED_ATTACHMENT_MIME,
    MAX_ATTACHMENT_SIZE,
    Agent as AgentRecord,
    AgentProfile,
    Contact,
    ConversationListItem,
    CreateUploadResponse,
    GroupDetail,
    Message,
)
from samples import SAMPLES, declared, fetched, png, put, size_of_webp
from shapes import checked, system_event

Speak = Callable[[Agent], Any]
NOTES = "was heißt das?\n".encode()


async def slot(client: Any, content: bytes, **more: Any) -> CreateUploadResponse:
    made = checked(CreateUploadResponse, await client.create_upload(declared(content, **more)))
    assert made.expires_in == 7200
    return made


async def uploaded(client: Any, content: bytes, **more: Any) -> str:
    made = await slot(client, content, **more)
    answer = await put(made.upload_url, content)
    assert (answer.status_code, answer.json()["ok"]) == (200, True), answer.text
    return made.attachment_id


async def test_a_file_goes_to_an_agent(server: Server, speak: Speak) -> None:
    agents = await server.agents("alice", "bob", "carol")
    alice, bob, carol = (speak(agent) for agent in agents)
    made = await slot(alice, NOTES, to="@Bob", filename="nötes 1.txt")
    with pytest.raises(NotFoundError) as early:
        await bob.get_attachment_download_url(made.attachment_id)
    assert early.value.code == "NOT_FOUND"
    for _ in range(2):
        answer = await put(made.upload_url, NOTES)
        assert answer.json() == {"ok": True, "attachment_id": made.attachment_id}
    sent = await alice.send_message(to="bob", attachment_id=made.attachment_id, type="file")
    message = checked(Message, sent.message)
    assert message.content.attachment_id == made.attachment_id
    assert message.content.text is None

    (row,) = await bob.sync()
    assert row["content"] == {"attachment_id": made.attachment_id}
    listed = checked(ConversationListItem, (await bob.list_conversations())[0])
    assert listed.last_message_preview == "Attachment"
    for reader in (alice, bob):
        url = await reader.get_attachment_download_url(made.attachment_id)
        assert url.startswith(server.url)
        file = await fetched(url)
        assert (file.status_code, file.content) == (200, NOTES)
        assert file.headers["content-type"] == "text/plain"
        disposition = file.headers["content-disposition"]
        assert disposition == "attachment; filename*=UTF-8''n%C3%B6tes%201.txt"
        assert file.headers["x-content-type-options"] == "nosniff"
        part = await fetched(url, Range="bytes=4-8")
        assert (part.status_code, part.content) == (206, NOTES[4:9])
        assert (await fetched(url.replace("signature=", "signature=0"))).status_code == 403
    with pytest.raises(NotFoundError) as masked:
        await carol.get_attachment_download_url(made.attachment_id)
    assert masked.value.code == "NOT_FOUND"


async def test_a_file_goes_to_a_group(server: Server) -> None:
    (alice, bob), group = await server.group("alice", "bob")
    carol = await server.agent("carol")
    with pytest.raises(NotFoundError) as stranger:
        await slot(carol.client, NOTES, conversation_id=group)
    assert stranger.value.code == "GROUP_NOT_FOUND"
    attachment = await uploaded(bob.client, NOTES, conversation_id=group)
    await bob.client.send_message(
        conversation_id=group, content={"text": "see there", "attachment_id": attachment}
    )
    (row,) = await alice.client.sync()
    url = await alice.client.get_attachment_download_url(row["content"]["attachment_id"])
    assert (await fetched(url)).content == NOTES
    with pytest.raises(NotFoundError):
        await carol.client.get_attachment_download_url(attachment)
    await alice.invite(group, carol)
    assert await carol.client.get_attachment_download_url(attachment)
    await alice.client.delete_group(group)
    with pytest.raises(GroupDeletedError) as ended:
        await carol.client.get_attachment_download_url(attachment)
    assert ended.value.deleted_by_handle == "alice"
    with pytest.raises(GroupDeletedError):
        await slot(bob.client, NOTES, conversation_id=group)


async def test_a_message_takes_no_file_of_elsewhere(server: Server, speak: Speak) -> None:
    agents = await server.agents("alice", "bob", "carol")
    alice, bob, carol = (speak(agent) for agent in agents)
    for_carol = await uploaded(alice, NOTES, to="carol")
    missing = (await slot(alice, NOTES, to="bob")).attachment_id
    for attachment, status, code in (
        (for_carol, 400, "ATTACHMENT_WRONG_SCOPE"),
        (missing, 400, "ATTACHMENT_NOT_READY"),
    ):
        with pytest.raises(AgentChatError) as refused:
            await alice.send_message(to="bob", attachment_id=attachment)
        assert (refused.value.status, refused.value.code) == (status, code)
    with pytest.raises(NotFoundError) as foreign:
        await carol.send_message(to="alice", attachment_id=for_carol)
    assert foreign.value.code == "ATTACHMENT_NOT_FOUND"
    await bob.block_agent("carol")
    with pytest.raises(BlockedError):
        await slot(carol, NOTES, to="bob")
    with pytest.raises(NotFoundError) as nobody:
        await slot(carol, NOTES, to="nobody-here")
    assert nobody.value.code == "AGENT_NOT_FOUND"


async def test_every_kind_the_sdk_knows_is_taken_and_looked_at(server: Server) -> None:
    assert set(SAMPLES) == set(ALLOWED_ATTACHMENT_MIME)
    alice, bob = await server.agents("alice", "bob")
    for kind in ALLOWED_ATTACHMENT_MIME:
        attachment = await uploaded(alice.client, SAMPLES[kind], kind=kind, to="bob")
        file = await fetched(await bob.client.get_attachment_download_url(attachment))
        assert (file.content, file.headers["content-type"]) == (SAMPLES[kind], kind)
    for kind in (kind for kind in ALLOWED_ATTACHMENT_MIME if not kind.startswith("text/")):
        lying = b"\xfe\xfd no such thing"
        made = await slot(alice.client, lying, kind=kind, to="bob")
        answer = await put(made.upload_url, lying)
        told = (answer.status_code, answer.json()["code"], answer.json()["details"])
        assert told == (400, "ATTACHMENT_MISMATCH", {"field": "content_type"}), kind


async def test_bytes_are_what_was_declared(server: Server) -> None:
    alice, _ = await server.agents("alice", "bob")
    made = await slot(alice.client, NOTES, to="bob")
    for content, field in ((NOTES + b"x", "size"), (NOTES[::-1], "sha256")):
        answer = await put(made.upload_url, content)
        assert (answer.status_code, answer.json()["details"]) == (400, {"field": field})
    forged = await put(made.upload_url + "0", NOTES)
    assert (forged.status_code, forged.json()["code"]) == (403, "UPLOAD_URL_INVALID")
    assert (await put(made.upload_url, NOTES)).status_code == 200

    largest = {**declared(NOTES, to="bob"), "size": MAX_ATTACHMENT_SIZE}
    assert (await alice.client.create_upload(largest))["attachment_id"]
    for wrong in (
        {"size": MAX_ATTACHMENT_SIZE + 1},
        {"content_type": "text/html"},
        {"filename": "../notes.txt"},
        {"sha256": "0" * 63},
    ):
        with pytest.raises(ValidationError) as refused:
            await alice.client.create_upload({**declared(NOTES, to="bob"), **wrong})
        assert list((refused.value.details or {})["fieldErrors"]) == list(wrong)


async def test_an_agent_has_a_picture(server: Server, speak: Speak) -> None:
    alice, bob = (speak(agent) for agent in await server.agents("alice", "bob"))
    with pytest.raises(NotFoundError) as none:
        await alice.remove_avatar("alice")
    assert none.value.code == "NOT_FOUND"
    made = await alice.set_avatar("@Alice", png(300, 200))
    assert set(made) == {"avatar_key", "avatar_url"}
    assert made["avatar_url"] == f"{server.url}/avatars/{made['avatar_key']}"
    again = await alice.set_avatar("alice", png(300, 200), content_type="image/png")
    assert again == made
    picture = await fetched(made["avatar_url"])
    assert picture.headers["content-type"] == "image/webp"
    assert picture.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert size_of_webp(picture.content) == (512, 512)
    shown = (
        checked(AgentRecord, await alice.get_me()),
        checked(AgentProfile, await bob.get_agent("alice")),
        checked(Contact, await bob.add_contact("alice")),
    )
    assert {row.avatar_url for row in shown} == {made["avatar_url"]}
    with pytest.raises(ForbiddenError):
        await bob.set_avatar("alice", png(300, 200))
    assert await alice.remove_avatar("alice") == {"ok": True}
    assert checked(AgentRecord, await alice.get_me()).avatar_url is None


@pytest.mark.parametrize(
    ("image", "code", "details"),
    [
        (b"", "EMPTY_BODY", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "UNSUPPORTED_FORMAT", None),
        (b"\x89PNG\r\n\x1a\nno header", "DECODE_FAILED", None),
        (png(127, 512), "IMAGE_TOO_SMALL", {"min": 128}),
        (png(200, 200)[:120], "PROCESSING_FAILED", None),
        (bytes(5 * 1024 * 1024 + 1), "PAYLOAD_TOO_LARGE", {"limit": 5 * 1024 * 1024}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_not_every_picture_will_do(
    server: Server, image: bytes, code: str, details: dict[str, int] | None
) -> None:
    alice = await server.agent("alice")
    with pytest.raises(AgentChatError) as refused:
        await alice.client.set_avatar("alice", image)
    error = refused.value
    assert (error.code, error.status) == (code, 413 if code == "PAYLOAD_TOO_LARGE" else 400)
    assert error.details == details


async def test_a_group_has_a_picture(server: Server, speak: Speak) -> None:
    (first, second), group = await server.group("alice", "bob")
    alice, bob = speak(first), speak(second)
    with pytest.raises(ForbiddenError):
        await bob.set_group_avatar(group, png(200, 200))
    made = await alice.set_group_avatar(group, png(200, 200))
    (row,) = await bob.sync()
    event = system_event(row)
    assert (event.event, event.actor_handle) == ("avatar_changed", "alice")
    assert checked(GroupDetail, await bob.get_group(group)).avatar_url == made["avatar_url"]
    listed = checked(ConversationListItem, (await bob.list_conversations())[0])
    assert listed.group_avatar_url == made["avatar_url"]
    assert size_of_webp((await fetched(made["avatar_url"])).content) == (512, 512)
    assert await alice.remove_group_avatar(group) == {"ok": True}
    assert checked(GroupDetail, await bob.get_group(group)).avatar_url is None
    with pytest.raises(NotFoundError) as none:
        await alice.remove_group_avatar(group)
    assert none.value.code == "NOT_FOUND"
