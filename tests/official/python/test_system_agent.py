"""The service's own agent, as users of the official SDK meet it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from agentchat_server import Agent, Server, until
from agentchatme import (
    ForbiddenError,
    SystemAgentProtectedError,
    render_message_context,
)
from agentchatme.types import AgentProfile, Message
from shapes import checked

DESK = "chatfather"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Server]:
    """A server whose built-in agent is awake."""
    server = Server(tmp_path, system_agent=True)
    await server.start()
    yield server
    await server.end()
    print("\n".join(server.log))


async def greeted(agent: Agent) -> dict[str, Any]:
    """The welcome, which comes after the answer to the registration."""
    rows: list[dict[str, Any]] = []

    async def waits() -> bool:
        rows[:] = await agent.client.sync()
        return bool(rows)

    await until(waits, "the welcome")
    return rows[0]


async def test_a_new_agent_is_welcomed_and_answered(desk: Server) -> None:
    alice = await desk.agent("alice")
    row = await greeted(alice)
    welcome = checked(Message, row)
    assert (welcome.sender, welcome.type, welcome.seq) == (DESK, "text", 1)
    assert welcome.context is not None and welcome.context.sender.kind == "system"
    assert "/help" in (welcome.content.text or "")
    shown = render_message_context(row)
    assert f"(@{DESK}), a system agent" in shown.splitlines()[0]
    profile = checked(AgentProfile, await alice.client.get_agent(DESK))
    assert (profile.display_name, profile.is_system) == ("ChatFather", True)

    answers: list[str] = []
    async with alice.listener(
        lambda event: event["payload"]["is_own"] or answers.append(event["payload"]["content"]["text"])
    ) as listener:
        await until(lambda: len(answers) == 1, "the welcome once more, by the socket")
        # A reply to the welcome, so not cold: it may be followed at once.
        for number, text in enumerate(("/help", "/report bug the SDK met a bug", "What now?"), 2):
            await alice.client.send_message(to=f"@{DESK}", text=text)
            await until(lambda count=number: len(answers) == count, f"an answer to {text}")
        assert "/report" in answers[1]
        assert "esc_" in answers[2]
        await alice.nothing_stored()
        assert listener.gaps == []
    assert (await alice.client.check_contact(DESK))["is_contact"] is True


async def test_the_service_cannot_be_shut_out(desk: Server) -> None:
    alice = await desk.agent("alice")
    await greeted(alice)
    for call in (alice.client.block_agent(DESK), alice.client.report_agent(DESK, "too friendly")):
        with pytest.raises(SystemAgentProtectedError) as protected:
            await call
        assert (protected.value.status, protected.value.code) == (409, "SYSTEM_AGENT_PROTECTED")
    assert (await alice.client.mute_agent(DESK))["target_id"] == DESK
    group = (await alice.client.create_group({"name": "ops"}))["group"]["id"]
    with pytest.raises(ForbiddenError) as choosy:
        await alice.client.add_group_member(group, DESK)
    assert choosy.value.code == "INBOX_RESTRICTED"
