"""A started `agentchat serve` on a free port with a temporary folder, and agents on it."""

import asyncio
import os
import re
import signal
import subprocess
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from collections.abc import Awaitable, Callable

import httpx
from agentchatme import AgentChatClient, AsyncAgentChatClient, RealtimeClient, SequenceGapInfo
from agentchatme.types import WsMessage
from shapes import checked

BINARY = os.environ.get(
    "AGENTCHAT_BINARY", str(Path(__file__).parents[3] / "target/debug/agentchat")
)
ADMIN_TOKEN = "official-suite-operator-token-0123456789"
LISTENING = re.compile(r"listening on http://([0-9.]+):([0-9]+)")
# The server on which every test has a database of its own; without it they use the embedded store.
POSTGRES = os.environ.get("AGENTCHAT_TEST_POSTGRES")
# Only the policies that a suite on one machine would reach by its speed.
LIFTED = ("send", "api", "ws_connect", "group_send")
# All that a server says on a socket, as the SDK's `ServerEvent` lists it.
EVENTS = (
    "message.new",
    "message.read",
    "presence.update",
    "typing.start",
    "typing.stop",
    "rate_limit.warning",
    "group.invite.received",
    "group.deleted",
)


class Server:
    """One data folder and one port; the process behind them can be stopped and started again."""

    def __init__(self, folder: Path, *flags: str, system_agent: bool = False) -> None:
        """Without its built-in agent, whose welcome would be in every inbox, unless that is asked for."""
        self.folder = folder
        silent = () if system_agent else ("--no-system-agent",)
        self.flags = (*silent, *flags, *database_flags())
        self.port = 0
        self.mailbox = Mailbox(folder / "mail")
        self.log: list[str] = []
        self.process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Returns when the server says on which address it listens."""
        limits = [flag for name in LIFTED for flag in ("--limit", f"{name}=off")]
        self.process = await asyncio.create_subprocess_exec(
            BINARY,
            "serve",
            *("--listen", f"127.0.0.1:{self.port}"),
            *("--data-dir", str(self.folder / "data")),
            *("--mail", f"file:{self.mailbox.folder}"),
            *("--admin-token", ADMIN_TOKEN),
            *limits,
            *self.flags,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read_output(self.process, listening))
        self.port = await asyncio.wait_for(listening, 20)

    async def _read_output(
        self, process: asyncio.subprocess.Process, listening: asyncio.Future[int]
    ) -> None:
        assert process.stdout is not None
        async for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip()
            self.log.append(line)
            found = LISTENING.search(line)
            if found and not listening.done():
                listening.set_result(int(found[2]))
        if not listening.done():
            told = "\n".join(self.log)
            listening.set_exception(RuntimeError(f"the server did not start:\n{told}"))

    def ask_to_stop(self) -> None:
        """SIGTERM; the process goes on until it has finished."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    async def stopped(self) -> None:
        """Waits for the end that was asked for; it must be orderly."""
        assert self.process is not None and self._reader is not None
        code = await asyncio.wait_for(self.process.wait(), 20)
        await self._reader
        assert code == 0, f"the server ended with {code}"

    async def stop(self) -> None:
        self.ask_to_stop()
        await self.stopped()

    async def refuses_connections(self) -> None:
        """Waits until nobody listens on the port any more."""

        async def refused() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except ConnectionError:
                return True
            writer.close()
            return False

        await until(refused, "the server stops accepting")

    async def end(self) -> None:
        """The end of a test, whatever became of it: never fails, leaves no process."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        if self._reader is not None:
            await self._reader

    async def agent(self, handle: str, email: str | None = None) -> "Agent":
        """An account without the mail round, by the operator's endpoint."""
        async with httpx.AsyncClient(base_url=self.url) as http:
            answer = await http.post(
                "/admin/agents",
                headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
                json={"handle": handle, "email": email or f"{handle}@example.com"},
            )
        assert answer.status_code == 201, answer.text
        return Agent(self, handle, answer.json()["api_key"])

    async def agents(self, *handles: str) -> list["Agent"]:
        return [await self.agent(handle) for handle in handles]

    async def group(self, *handles: str, name: str = "ops") -> "tuple[list[Agent], str]":
        """Agents, of whom the first made a group that the others have joined in turn, and its id.

        Nobody keeps anything undelivered of how it came about.
        """
        members = await self.agents(*handles)
        creator, *others = members
        created = await creator.client.create_group({"name": name})
        group = created["group"]["id"]
        for member in others:
            await creator.invite(group, member)
        for member in members:
            await member.take_all()
        return members, group

    async def acquainted(self, first: str, second: str) -> "tuple[Agent, Agent, str]":
        """Two agents whose conversation is established and read by both, and its id."""
        one, other = await self.agent(first), await self.agent(second)
        sent = await one.client.send_message(to=f"@{second}", text="hello")
        await other.client.send_message(to=f"@{first}", text="hello yourself")
        for agent in (one, other):
            rows = await agent.client.sync()
            await agent.client.sync_ack(rows[-1]["delivery_id"])
        return one, other, sent.message["conversation_id"]


def database_flags() -> tuple[str, ...]:
    """A fresh database, if the suite runs on PostgreSQL."""
    if POSTGRES is None:
        return ()
    name = f"official_{uuid.uuid4().hex}"
    subprocess.run(["createdb", f"--maintenance-db={POSTGRES}/postgres", name], check=True)
    return ("--database-url", f"{POSTGRES}/{name}?connections=8")


@dataclass
class Agent:
    """An account and the official client that speaks for it."""

    server: Server
    handle: str
    api_key: str
    client: AsyncAgentChatClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = AsyncAgentChatClient(api_key=self.api_key, base_url=self.server.url)

    async def undelivered(self) -> int:
        """How many messages the server still keeps for the agent."""
        async with httpx.AsyncClient(base_url=self.server.url) as http:
            answer = await http.get(
                "/v1/messages/undelivered/count",
                headers={"Authorization": f"Bearer {self.api_key}"},
            )
        assert answer.status_code == 200, answer.text
        return answer.json()["count"]

    async def take_all(self) -> list[str]:
        """Settles what is stored for the agent; the texts, None for what has none."""
        rows = await self.client.sync(limit=500)
        if rows:
            await self.client.sync_ack(rows[-1]["delivery_id"])
        return [row["content"].get("text") for row in rows]

    async def invite(self, group: str, other: "Agent") -> None:
        """Brings another agent into a group, which that agent accepts."""
        invited = await self.client.add_group_member(group, other.handle)
        await other.client.accept_group_invite(invited["invite_id"])

    async def say(self, conversation: str, text: str) -> dict[str, Any]:
        """Sends a text to a conversation and returns the stored message."""
        sent = await self.client.send_message(conversation_id=conversation, text=text)
        return sent.message

    async def nothing_stored(self, timeout: float = 10) -> None:
        async def none() -> bool:
            return await self.undelivered() == 0

        await until(none, f"nothing is stored for {self.handle}", timeout)

    def listener(self, handler: Callable[[dict[str, Any]], Any], **options: Any) -> "Listener":
        return Listener(self, handler, options)


class Listener:
    """The official RealtimeClient with a REST client, and what it told."""

    def __init__(self, agent: Agent, handler: Callable[..., Any], options: dict[str, Any]) -> None:
        self.agent = agent
        self.connects = 0
        options = {"on_sequence_gap": lambda gap: self.gaps.append(gap), **options}
        self.disconnects: list[dict[str, Any]] = []
        self.errors: list[BaseException] = []
        self.client = RealtimeClient(
            **{
                "api_key": agent.api_key,
                "base_url": agent.server.socket_url,
                "client": agent.client,
                "reconnect_interval_ms": 100,
                "max_reconnect_interval_ms": 400,
                **options,
            }
        )
        self.gaps: list[SequenceGapInfo] = []
        # Every frame of the types in EVENTS, in the order in which handlers were called.
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.client.on("message.new", handler)
        for event in EVENTS:
            self.client.on(event, self._happened)
        self.client.on_connect(self._connected)
        self.client.on_disconnect(self.disconnects.append)
        self.client.on_error(self.errors.append)

    def _connected(self) -> None:
        self.connects += 1

    def _happened(self, event: dict[str, Any]) -> None:
        self.events.append((event["type"], checked(WsMessage, event).payload))

    def of(self, event: str) -> list[dict[str, Any]]:
        """The payloads of one type, oldest first."""
        return [payload for name, payload in self.events if name == event]

    async def heard(self, event: str, count: int = 1, timeout: float = 10) -> list[dict[str, Any]]:
        """Waits for so many frames of one type."""
        told = f"{self.agent.handle} hears {count} of {event}: {self.events}"
        await until(lambda: len(self.of(event)) >= count, told, timeout)
        return self.of(event)

    async def connected(self, times: int = 1, timeout: float = 10) -> None:
        told = f"{self.agent.handle} is connected {times} times"
        await until(lambda: self.connects >= times, told, timeout)

    async def __aenter__(self) -> "Listener":
        await self.client.connect()
        await self.connected()
        assert self.client.is_connected
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.disconnect()


class Blocking:
    """The blocking client of the same agent, each call in a thread of its own."""

    def __init__(self, agent: Agent) -> None:
        self.client = AgentChatClient(api_key=agent.api_key, base_url=agent.server.url)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self.client, name)

        async def call(*args: Any, **named: Any) -> Any:
            return await asyncio.to_thread(method, *args, **named)

        return call


async def listed(client: Any, name: str, *args: Any, **named: Any) -> list[dict[str, Any]]:
    """All rows of one of the SDK's iterators, whichever client it is of."""
    if isinstance(client, Blocking):
        iterator = getattr(client.client, name)
        return await asyncio.to_thread(lambda: list(iterator(*args, **named)))
    return [row async for row in getattr(client, name)(*args, **named)]


class Mailbox:
    """The folder into which the server writes its mail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: Counter[str] = Counter()

    async def code(self, address: str) -> str:
        """The code of the next mail to this address that was not read yet."""
        already = self._read[address]
        await until(lambda: len(self._codes(address)) > already, f"a mail to {address}")
        self._read[address] += 1
        return self._codes(address)[already]

    def _codes(self, address: str) -> list[str]:
        """In the order in which the mails were written, which their names tell."""
        files = sorted(self.folder.glob("*.eml"))
        texts = (path.read_text() for path in files)
        found = (
            re.search(r"(?m)\b(\d{6})\b(?!-)", body(text)) for text in texts if address in text
        )
        return [match[1] for match in found if match]


def body(mail: str) -> str:
    """What follows the head of a mail."""
    _, _, rest = mail.replace("\r\n", "\n").partition("\n\n")
    return rest or mail


async def until(
    condition: Callable[[], bool | Awaitable[bool]], what: str, timeout: float = 10
) -> None:
    """Waits for something that can be seen, and says what it was when it does not come."""
    try:
        async with asyncio.timeout(timeout):
            while True:
                seen = condition()
                if await seen if isinstance(seen, Awaitable) else seen:
                    return
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not seen within {timeout} s: {what}") from None
