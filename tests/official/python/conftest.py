"""What every test of the official Python SDK starts from."""

from pathlib import Path
from collections.abc import AsyncIterator, Callable
from typing import Any

import calls
import pytest
import shapes
from agentchat_server import Agent, Blocking, Server

calls.watch()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server of the test's own; its log is shown when the test fails."""
    server = Server(tmp_path)
    await server.start()
    yield server
    await server.end()
    print("\n".join(server.log))


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Starts the test's server with flags, which win over those every server of the suite has."""
    started: list[Server] = []

    async def start(*flags: str) -> Server:
        server = Server(tmp_path, *flags)
        started.append(server)
        await server.start()
        return server

    yield start
    for server in started:
        await server.end()
        print("\n".join(server.log))


@pytest.fixture(params=["async", "blocking"])
def speak(request: pytest.FixtureRequest) -> Callable[[Agent], Any]:
    """How an agent's calls are made: by the asynchronous client, or by the blocking one in a thread."""
    return Blocking if request.param == "blocking" else lambda agent: agent.client


# Each has a test that takes longer than all the others together.
LONGEST = ("test_main_job", "test_traps")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that nobody waits for one that began last."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells what its tests used; who ran all the tests judges it."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["used"] = [sorted(calls.called), sorted(shapes.held)]
        return
    if not is_whole_suite(session.config) or session.testsfailed or not session.testscollected:
        return
    complaints = calls.forgotten(calls.called, shapes.held)
    if complaints:
        session.config.stash[COMPLAINTS] = complaints
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


COMPLAINTS = pytest.StashKey[list[str]]()


def is_whole_suite(config: pytest.Config) -> bool:
    chosen = config.option.keyword or config.option.markexpr or config.option.deselect
    return not chosen and config.args_source is not pytest.Config.ArgsSource.ARGS


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist has ended."""
    methods, models = getattr(node, "workeroutput", {}).get("used", ([], []))
    calls.called.update(methods)
    shapes.held.update(models)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for complaint in config.stash.get(COMPLAINTS, []):
        terminalreporter.write_line(f"FAILED {complaint}")
