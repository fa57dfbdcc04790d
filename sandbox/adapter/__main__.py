"""The server process of a sandbox: `python -m sandbox.adapter`, started by `sandbox.server.Sandbox`.

It answers on its standard output with one line of JSON, either where it can be reached or why it cannot start, and runs
until it is told to stop or its parent is gone (its standard input ends then).
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, TextIO

import uvicorn
from uvicorn.loops.auto import auto_loop_factory

from sandbox.adapter.one_packet import OnePacketProtocol
from sandbox.adapter.settings import ACCOUNT, MARKER, REGION, ServerSettings, configure
from sandbox.clock import parse_moment
from sandbox.errors import SandboxError
from sandbox.processes import marked, stop, stop_children
from sandbox.state import State, StateDirectory, take_port

_STOP_SECONDS = 10
_KEEP_ALIVE_SECONDS = 75

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def _settings() -> ServerSettings:
    parser = argparse.ArgumentParser(prog="python -m sandbox.adapter", description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--speed", type=float, required=True)
    parser.add_argument("--start", type=parse_moment)
    parser.add_argument("--enforce-iam", action="store_true")
    parser.add_argument("--id", required=True)
    given = parser.parse_args()
    return ServerSettings(
        state_dir=given.state.resolve(),
        port=given.port,
        speed=given.speed,
        enforce_iam=given.enforce_iam,
        sandbox_id=given.id,
        start=given.start,
    )


def _announcing(application: Application, announce: Callable[[], None]) -> Application:
    """The application, with a call when its start is complete."""

    async def announcing(scope: Message, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                announce()

        await application(scope, receive, sending if scope["type"] == "lifespan" else send)

    return announcing


def _serve(settings: ServerSettings, directory: StateDirectory, answer: TextIO) -> None:
    listener = take_port(settings.port)
    port = listener.getsockname()[1]
    endpoint_url = f"http://127.0.0.1:{port}"
    configure(settings, port=port)

    # The emulator reads its settings when it is imported, so nothing that imports it may come earlier.
    from sandbox.adapter.install import install  # noqa: PLC0415 - see above

    installed = install(settings, endpoint_url=endpoint_url)

    def announce() -> None:
        state = State(
            endpoint_url=endpoint_url, pid=os.getpid(), region=REGION, account=ACCOUNT, sandbox_id=settings.sandbox_id
        )
        directory.write(state)
        answer.write(json.dumps({"ready": state.as_dict()}) + "\n")
        answer.flush()

    async def run() -> None:
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told.set)
        loop.add_reader(sys.stdin.fileno(), _stop_at_end, told)

        application: Any = _announcing(installed.application, announce)
        server = _Server(
            uvicorn.Config(
                application,
                lifespan="on",
                http=OnePacketProtocol,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=1,
                log_level="info",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        ending = asyncio.create_task(told.wait())
        await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(installed.stop), _STOP_SECONDS)
        server.should_exit = True
        await serving
        stop_children()
        directory.forget()
        # Threads of the emulator may wait for work that will not come, and the interpreter would wait for them.
        sys.stderr.flush()
        os._exit(0)

    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(run())


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process: it ends when it is told to."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _stop_at_end(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


def main() -> None:
    """Serve the embedded AWS until told to stop."""
    settings = _settings()
    # Whatever else prints belongs into the log, which is where standard error goes.
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    directory = StateDirectory(settings.state_dir)
    try:
        with directory.owned():
            if (former := directory.read()) is not None:
                # A sandbox that was killed could not stop what it had started.
                stop(marked(MARKER, former.sandbox_id))
                directory.forget()
            directory.prepare()
            try:
                _serve(settings, directory, answer)
            finally:
                stop_children()
                directory.forget()
    except SandboxError as error:
        answer.write(json.dumps({"error": str(error)}) + "\n")
        answer.flush()
        sys.exit(2)


if __name__ == "__main__":
    main()
