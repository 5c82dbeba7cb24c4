"""What every test of the official Python SDK starts from."""

from pathlib import Path
from collections.abc import AsyncIterator

import pytest
from agentchat_server import Server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server of the test's own; its log is shown when the test fails."""
    server = Server(tmp_path)
    await server.start()
    yield server
    await server.end()
    print("\n".join(server.log))
