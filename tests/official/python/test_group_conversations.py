"""Groups of the official SDK's realtime clients: no handler runs twice, none is left out, none waits.

The SDK hands messages to handlers in the order of `seq`, stops for two seconds at every hole in it,
and reports such a stop as a gap, so each test also looks at the gaps.
"""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from agentchat_server import Agent, Listener, Server, until
from gate import Gate

# Nothing can be waited for that must not come; the SDK's look at a hole takes two seconds.
WATCH_FOR_A_SECOND_RUN = 3.0


@dataclass
class Member:
    """A member of a group and what its handler was called with."""

    agent: Agent
    rows: list[dict[str, Any]] = field(default_factory=list)
    listener: Listener = field(init=False)

    def heard(self, event: dict[str, Any]) -> dict[str, Any]:
        self.rows.append(event["payload"])
        return event["payload"]

    @property
    def handle(self) -> str:
        return self.agent.handle

    @property
    def seqs(self) -> list[int]:
        return [row["seq"] for row in self.rows]

    @property
    def texts(self) -> list[str]:
        return [row["content"].get("text") for row in self.rows]

    def of_others(self) -> list[str]:
        return [row["content"].get("text") for row in self.rows if not row["is_own"]]

    async def listens(self, stack: AsyncExitStack, handler: Any = None, **options: Any) -> None:
        self.listener = self.agent.listener(handler or (lambda event: void(self.heard(event))), **options)
        await stack.enter_async_context(self.listener)

    def without_a_fault(self, history: list[dict[str, Any]]) -> None:
        """Each message of the others once, each in its place, and own ones at most once."""
        assert Counter(self.seqs).most_common(1)[0][1] == 1, f"{self.handle} ran twice: {self.seqs}"
        assert self.seqs == sorted(self.seqs), f"{self.handle} out of order: {self.seqs}"
        others = [row["id"] for row in history if row["sender"] != self.handle]
        mine = [row["id"] for row in self.rows if not row["is_own"]]
        assert mine == others, f"{self.handle} missed {len(others) - len(mine)}"
        for row in self.rows:
            assert row["is_own"] == (row["sender"] == self.handle)


def void(_: object) -> None:
    """Handlers answer nothing."""


async def conversation(agent: Agent, group: str, after: int) -> list[dict[str, Any]]:
    """What was said in the group after a number, oldest first."""
    rows: list[dict[str, Any]] = []
    while page := await agent.client.get_messages(group, after_seq=after, limit=200):
        rows += page
        after = page[-1]["seq"]
    return rows


async def test_three_members_answer_each_other_without_a_pause(server: Server) -> None:
    turns = 60
    agents, group = await server.group("alice", "bob", "carol")
    members = [Member(agent) for agent in agents]
    begun = (await agents[0].say(group, "let us begin"))["seq"]
    for agent in agents:
        await agent.take_all()

    def answering(place: int) -> Any:
        async def answer(event: dict[str, Any]) -> None:
            row = members[place].heard(event)
            number = int(row["content"]["text"])
            # The turn after this one is the next member's, in a ring.
            if not row["is_own"] and number < turns and (number + 1) % 3 == place:
                await members[place].agent.say(group, str(number + 1))

        return answer

    async with AsyncExitStack() as stack:
        for place, member in enumerate(members):
            await member.listens(stack, answering(place))
        await agents[0].say(group, "0")
        newest = str(turns)
        for member in members:
            done = lambda member=member: newest in member.texts or member.handle == last(turns)
            await until(done, f"{member.handle} hears the end", 60)
        for agent in agents:
            await agent.nothing_stored()
        assert all(member.listener.gaps == [] for member in members)
    history = await conversation(agents[0], group, begun)
    assert [row["content"]["text"] for row in history] == [str(n) for n in range(turns + 1)]
    for member in members:
        member.without_a_fault(history)
        # Own messages came just before the next one of the others: there is no hole in what it heard.
        assert member.seqs == list(range(member.seqs[0], member.seqs[-1] + 1))


def last(turns: int) -> str:
    return ("alice", "bob", "carol")[turns % 3]


async def test_three_members_speak_all_at_once(server: Server) -> None:
    rounds = 25
    agents, group = await server.group("alice", "bob", "carol")
    members = [Member(agent) for agent in agents]
    after = (await agents[0].client.get_messages(group, limit=1))[0]["seq"]

    def echoing(member: Member) -> Any:
        async def echo(event: dict[str, Any]) -> None:
            row = member.heard(event)
            text = row["content"]["text"]
            if text.startswith("call") and not row["is_own"]:
                await member.agent.say(group, f"{member.handle} on {text}")

        return echo

    async with AsyncExitStack() as stack:
        for member in members:
            await member.listens(stack, echoing(member))
        for number in range(rounds):
            await asyncio.gather(*(agent.say(group, f"call {number}") for agent in agents))
        # Each call is answered by the two others.
        spoken = rounds * 3 * 3

        async def all_said() -> bool:
            return (await agents[0].client.get_messages(group, limit=1))[0]["seq"] == after + spoken

        await until(all_said, "every answer", 60)
        history = await conversation(agents[0], group, after)
        for member in members:
            others = [row for row in history if row["sender"] != member.handle]
            done = lambda member=member, wanted=len(others): len(member.of_others()) >= wanted
            await until(done, f"{member.handle} hears all", 30)
            await member.agent.nothing_stored()
        assert all(member.listener.gaps == [] for member in members)
    for member in members:
        member.without_a_fault(history)


async def test_a_handler_without_a_sender_filter_answers_a_group_once(server: Server) -> None:
    (alice, bob, carol), group = await server.group("alice", "bob", "carol")
    answers = Counter[str]()

    async def answer_everything(event: dict[str, Any]) -> None:
        answers[event["payload"]["content"]["text"]] += 1
        await bob.say(group, "thank you")

    async with bob.listener(answer_everything):
        await alice.say(group, "one message")
        await until(lambda: answers, "the answer")
        await asyncio.sleep(WATCH_FOR_A_SECOND_RUN)
        assert answers == {"one message": 1}
        await bob.nothing_stored()


@pytest.mark.parametrize("connected", [True, False], ids=["live", "away"])
async def test_who_joins_late_hears_from_there_on(server: Server, connected: bool) -> None:
    (alice, bob), group = await server.group("alice", "bob")
    for number in range(5):
        await alice.say(group, f"before {number}")
    carol = Member(await server.agent("carol"))
    async with AsyncExitStack() as stack:
        if connected:
            await carol.listens(stack)
        await alice.invite(group, carol.agent)
        for number in range(3):
            await bob.say(group, f"after {number}")
        if not connected:
            await carol.listens(stack)
        expected = [f"after {number}" for number in range(3)]
        # The number of the first one is not 1, and there is no hole before it.
        await until(lambda: carol.texts == expected, "what was said since")
        await carol.agent.nothing_stored()
        assert carol.seqs == [8, 9, 10]
        assert carol.listener.gaps == []
    seen = await conversation(carol.agent, group, 0)
    assert [row["type"] for row in seen] == ["system", "text", "text", "text"]
    assert (seen[0]["seq"], seen[0]["is_own"]) == (7, True)


async def test_who_comes_back_hears_nothing_of_the_time_between(server: Server) -> None:
    (alice, bob, second), group = await server.group("alice", "bob", "carol")
    carol = Member(second)
    async with AsyncExitStack() as stack:
        await carol.listens(stack)
        for number in range(2):
            await alice.say(group, f"before {number}")
        await until(lambda: len(carol.rows) == 2, "what was said before")
        await second.client.leave_group(group)
        for number in range(5):
            await bob.say(group, f"between {number}")
        await alice.invite(group, second)
        for number in range(2):
            await bob.say(group, f"after {number}")
        # The SDK may know the earlier numbers and look for the ones between, which nobody gives it.
        expected = ["before 0", "before 1", "after 0", "after 1"]
        await until(lambda: carol.of_others() == expected, "what was said since", 10)
        await second.nothing_stored()
        await asyncio.sleep(WATCH_FOR_A_SECOND_RUN)
    assert carol.of_others() == expected
    assert Counter(carol.seqs).most_common(1)[0][1] == 1
    seen = await conversation(second, group, 0)
    assert [row["content"].get("text") for row in seen] == [None, "after 0", "after 1"]


async def test_a_muted_group_waits_until_the_next_connection(server: Server) -> None:
    (alice, second, _), group = await server.group("alice", "bob", "carol")
    bob = Member(second)
    await second.client.mute_conversation(group)
    async with AsyncExitStack() as stack:
        await bob.listens(stack)
        for number in range(3):
            await alice.say(group, f"message {number}")
        # A message on another way, to see that those of the group are not merely late.
        await alice.client.send_message(to="bob", text="read the group, please")
        await until(lambda: bob.texts, "the direct message")
        await until(lambda: only_three(second), "the direct message is settled")
        assert bob.texts == ["read the group, please"]
    again = Member(second)
    async with AsyncExitStack() as stack:
        await again.listens(stack)
        expected = [f"message {number}" for number in range(3)]
        await until(lambda: again.texts == expected, "what was muted")
        await second.nothing_stored()


async def only_three(agent: Agent) -> bool:
    return await agent.undelivered() == 3


async def test_muted_messages_come_with_the_next_that_wakes(server: Server) -> None:
    (alice, second, carol), group = await server.group("alice", "bob", "carol")
    bob = Member(second)
    async with AsyncExitStack() as stack:
        await bob.listens(stack)
        await carol.say(group, "before")
        await until(lambda: bob.texts == ["before"], "the first message")
        await second.client.mute_agent("alice")
        muted = [f"muted {number}" for number in range(3)]
        for text in muted:
            await alice.say(group, text)
        await carol.say(group, "loud")
        # The SDK sees the hole, waits two seconds, and fills it from the history.
        await until(lambda: "loud" in bob.texts, "the loud message", 10)
        await asyncio.sleep(WATCH_FOR_A_SECOND_RUN)
        assert bob.texts == ["before", *muted, "loud"]
        assert [(gap.reason, gap.recovered) for gap in bob.listener.gaps] == [("gap_filled", True)]
        # It does not ack what it fetched. The server keeps it, and offers it to the next connection,
        # where the SDK knows the ids and runs no handler again.
        assert await second.undelivered() == 3
        await bob.listener.client.drain_offline_envelopes()
        await second.nothing_stored()
        assert bob.texts == ["before", *muted, "loud"]


async def test_what_was_missed_of_a_group_is_drained_once(server: Server) -> None:
    agents, group = await server.group("alice", "bob", "carol")
    alice, second, carol = agents
    bob = Member(second)
    after = (await alice.client.get_messages(group, limit=1))[0]["seq"]
    # More than one page of the SDK's drain, from two senders.
    for number in range(130):
        await (alice, carol)[number % 2].say(group, f"missed {number}")
    assert await second.undelivered() == 130
    async with AsyncExitStack() as stack:
        await bob.listens(stack)
        await until(lambda: bob.rows, "the first one")
        for number in range(10):
            await alice.say(group, f"live {number}")
        await until(lambda: len(bob.rows) >= 140, "every message", 30)
        await second.nothing_stored()
        await asyncio.sleep(WATCH_FOR_A_SECOND_RUN)
        assert bob.listener.gaps == []
    bob.without_a_fault(await conversation(alice, group, after))


async def test_own_messages_among_the_missed_ones_do_no_harm(server: Server) -> None:
    (alice, second, _), group = await server.group("alice", "bob", "carol")
    bob = Member(second)
    after = (await alice.client.get_messages(group, limit=1))[0]["seq"]
    for number in range(6):
        await alice.say(group, f"question {number}")
        # By another process of the agent, which has no socket.
        await second.say(group, f"answer {number}")
    await alice.say(group, "the end")
    async with AsyncExitStack() as stack:
        await bob.listens(stack)
        await until(lambda: "the end" in bob.texts, "every message", 15)
        await second.nothing_stored()
        await asyncio.sleep(WATCH_FOR_A_SECOND_RUN)
    bob.without_a_fault(await conversation(alice, group, after))


async def test_a_restart_of_the_server_interrupts_nobody(server: Server) -> None:
    agents, group = await server.group("alice", "bob", "carol")
    members = [Member(agent) for agent in agents]
    after = (await agents[0].client.get_messages(group, limit=1))[0]["seq"]

    async def everybody_says(part: str) -> None:
        for number in range(4):
            for agent in agents:
                await agent.say(group, f"{part} {number} {agent.handle}")

    async def everybody_heard(count: int) -> None:
        for member in members:
            done = lambda member=member: len(member.of_others()) >= count
            await until(done, f"{member.handle} hears {count} of the others", 20)
            await member.agent.nothing_stored()

    async with Gate(server.port) as gate, AsyncExitStack() as stack:
        for member in members:
            await member.listens(stack, base_url=gate.socket_url)
        await everybody_says("before")
        await everybody_heard(8)
        gate.refusing = True
        await server.stop()
        await server.start()
        # All sockets are away: what is said now waits for them.
        await everybody_says("meanwhile")
        gate.refusing = False
        for member in members:
            await member.listener.connected(times=2)
        await everybody_heard(16)
        await everybody_says("after")
        await everybody_heard(24)
    history = await conversation(agents[0], group, after)
    assert len(history) == 36
    for member in members:
        member.without_a_fault(history)
