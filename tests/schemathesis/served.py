"""A server with agents of its own, in a folder of its own, and its OpenAPI document."""

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OPERATOR = "an-operators-token-of-more-than-thirty-two-characters"
# What would otherwise be reached within seconds; the rates themselves have tests of their own.
LIFTED = (
    "send", "group_send", "api", "directory", "directory_day", "mute_write", "avatar_write", "upload", "upload_bytes",
    "group_create", "group_invite", "webhook_test", "search", "export", "loop", "cold_cap", "otp_hourly",
)


@dataclass
class Served:
    """Where it listens, who may call it, and what is on it."""

    url: str
    key: str
    ids: dict[str, str]

    def call(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        """The JSON of an answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        request.add_header("Authorization", f"Bearer {token or self.key}")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def document(self) -> dict[str, Any]:
        return self.call("GET", "/v1/openapi.json")


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Served]:
    """Starts the built server, seeds it, and ends it."""
    port = free_port()
    limits = [word for name in LIFTED for word in ("--limit", f"{name}=off")]
    command = [os.environ["AGENTCHAT_BINARY"], "serve", "--listen", f"127.0.0.1:{port}", "--data-dir", str(folder / "data"),
               "--admin-token", OPERATOR, "--mail", f"file:{folder / 'mail'}", *limits]
    with open(folder / "server.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            served = Served(f"http://127.0.0.1:{port}", "", {})
            wait_for(served, process, folder / "server.log")
            seed(served)
            yield served
            assert process.poll() is None, f"the server ended by itself: {(folder / 'server.log').read_text()[-2000:]}"
        finally:
            process.terminate()
            process.wait(20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(served: Served, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError, AssertionError):
            served.call("GET", "/v1/ready")
            return
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def seed(served: Served) -> None:
    """Agents, a conversation, a group with a second member, an invitation, edges, a webhook."""
    keys = {}
    for handle in ("alice", "bobby", "carol", "david", "victim"):
        account = {"handle": handle, "email": f"{handle}@example.com"}
        keys[handle] = served.call("POST", "/admin/agents", account, OPERATOR)["api_key"]
    served.key = keys["alice"]
    hello = {"to": "alice", "client_msg_id": "m-1", "content": {"text": "hello"}}
    message = served.call("POST", "/v1/messages", hello, keys["bobby"])
    served.call("POST", "/v1/messages", {**hello, "to": "bobby", "client_msg_id": "m-2"})
    made = served.call("POST", "/v1/groups", {"name": "ops", "member_handles": ["bobby", "carol"]})
    invites = {result["handle"]: result["invite_id"] for result in made["add_results"]}
    served.call("POST", f"/v1/groups/invites/{invites['bobby']}/accept", {}, keys["bobby"])
    into = served.call("POST", "/v1/groups", {"name": "night", "member_handles": ["alice"]}, keys["carol"])
    served.call("POST", "/v1/mutes", {"target_kind": "agent", "target_handle": "carol"})
    hook = {"url": "https://hooks.example.com/agentchat", "events": ["contact.blocked"]}
    served.ids = {
        "message": message["id"],
        "conversation": message["conversation_id"],
        "group": made["group"]["id"],
        "invite": into["add_results"][0]["invite_id"],
        "webhook": served.call("POST", "/v1/webhooks", hook)["id"],
    }
