"""Starting and stopping: what a person's terminal, a crash and a second terminal do to a sandbox."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from sandbox.adapter.settings import MARKER
from sandbox.errors import SandboxError
from sandbox.processes import marked
from sandbox.server import Sandbox, stop_running
from sandbox.state import State, StateDirectory

REPOSITORY = Path(__file__).parents[3]
HANDLER = "def handler(event, context):\n    return event\n"


def _processes(state: State) -> list[psutil.Process]:
    return marked(MARKER, state.sandbox_id)


@pytest.fixture(autouse=True)
def _ctrl_c_counts() -> Iterator[None]:
    """Undo what a process that runs several tests at a time does: it ignores Ctrl-C, and its children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[StateDirectory]:
    """A sandbox's directory, whose processes are gone after the test whatever happens."""
    found = StateDirectory(tmp_path / "state")
    yield found
    stop_running(found)


def _command(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_stopped_sandbox_leaves_no_process_no_port_and_no_state(
    directory: StateDirectory, create_function: Callable[..., str]
) -> None:
    with Sandbox(directory.path) as sandbox:
        name = create_function(sandbox, name="echo", source=HANDLER)
        sandbox.client("lambda").invoke(FunctionName=name, Payload=b"{}")
        state = directory.running()
        assert len(_processes(state)) >= 2, "the server and the Lambda's process"
        port = int(sandbox.endpoint_url.rsplit(":", 1)[1])
    assert _processes(state) == []
    assert directory.read() is None
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_sandbox_listens_on_the_loopback_address_only(sandbox: Sandbox) -> None:
    listening = [c for c in psutil.Process(sandbox.pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}


def test_a_sandbox_starts_a_second_time_in_the_same_directory(directory: StateDirectory) -> None:
    for _ in range(2):
        with Sandbox(directory.path) as sandbox:
            assert sandbox.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_a_taken_port_is_refused_with_its_number_and_a_way_out(directory: StateDirectory) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SandboxError, match=rf"port {port} of 127\.0\.0\.1 is taken .* --port 0"):
            Sandbox(directory.path, port=port).start()


def test_a_second_sandbox_in_the_same_directory_is_refused_and_told_where_the_first_runs(
    directory: StateDirectory,
) -> None:
    with Sandbox(directory.path) as first:
        with pytest.raises(SandboxError, match=f"already at {first.endpoint_url} .*python -m sandbox stop"):
            Sandbox(directory.path).start()
        assert first.client("sts").get_caller_identity()


def test_a_directory_with_other_things_in_it_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / ".gitignore").write_text("build\n")
    with pytest.raises(SandboxError, match="is not empty and was not made by the sandbox"):
        Sandbox(tmp_path).start()
    command = _command("reset", "--state", str(tmp_path))
    assert "was not made by the sandbox" in command.communicate(timeout=30)[1]
    assert command.returncode == 1
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "thesis.txt": "years of work",
        ".gitignore": "build\n",
    }


def test_a_clock_that_stands_still_is_refused(directory: StateDirectory) -> None:
    with pytest.raises(SandboxError, match="speed = 0: it must be more than 0"):
        Sandbox(directory.path, speed=0)


def test_what_a_killed_sandbox_left_running_is_stopped_by_the_next_start(directory: StateDirectory) -> None:
    sandbox = Sandbox(directory.path)
    sandbox.start()
    state = directory.running()
    survivor = subprocess.Popen(
        [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"],
        env={**os.environ, MARKER: state.sandbox_id},
        start_new_session=True,
    )
    os.kill(state.pid, signal.SIGKILL)
    with pytest.raises(SandboxError, match="ended unexpectedly"):
        sandbox.wait()
    assert directory.read() == state, "nobody could remove the state of a killed sandbox"
    with Sandbox(directory.path):
        assert survivor.wait(timeout=10) == -signal.SIGKILL
    sandbox.stop()


def test_the_server_ends_when_the_process_that_started_it_is_killed(
    directory: StateDirectory, wait_for: Callable[[Callable[[], Any]], Any]
) -> None:
    script = (
        "import os, pathlib, signal, sys; from sandbox.server import Sandbox\n"
        "Sandbox(pathlib.Path(sys.argv[1])).start(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(directory.path)], cwd=REPOSITORY, check=False)
    wait_for(lambda: not directory.is_owned() and directory.read() is None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_or_a_kill_of_the_command_stops_everything(
    directory: StateDirectory, number: signal.Signals, wait_for: Callable[[Callable[[], Any]], Any]
) -> None:
    with _command("up", "--port", "0", "--state", str(directory.path), "--json") as command:
        assert command.stdout is not None
        state = State(**json.loads(command.stdout.readline()))
        command.send_signal(number)
        code = command.wait(timeout=30)
    assert code == (0 if number == signal.SIGINT else -signal.SIGTERM)
    wait_for(lambda: not _processes(state))
    wait_for(lambda: directory.read() is None)


def test_the_commands_tell_where_it_runs_and_stop_it_from_another_terminal(directory: StateDirectory) -> None:
    state_option = ("--state", str(directory.path))
    with _command("up", "--port", "0", *state_option, "--json") as command:
        assert command.stdout is not None
        state = State(**json.loads(command.stdout.readline()))
        status = _command("status", *state_option, "--json")
        answer = json.loads(status.communicate(timeout=30)[0])
        assert (status.returncode, answer["endpoint_url"], answer["stacks"]) == (0, state.endpoint_url, [])
        stop = _command("stop", *state_option)
        assert state.endpoint_url in stop.communicate(timeout=30)[0]
        assert (stop.returncode, command.wait(timeout=30)) == (0, 0)
    gone = _command("status", *state_option)
    assert "python -m sandbox up" in gone.communicate(timeout=30)[0]
    assert gone.returncode == 3
    assert _processes(state) == []


def test_a_detached_sandbox_outlives_its_command_and_a_second_one_says_why_it_cannot_start(
    directory: StateDirectory,
) -> None:
    state_option = ("--state", str(directory.path))
    started = _command("up", "--detach", "--port", "0", *state_option, "--json")
    state = State(**json.loads(started.communicate(timeout=60)[0]))
    assert started.returncode == 0
    second = _command("up", "--detach", "--port", "0", *state_option)
    assert "A sandbox runs in" in second.communicate(timeout=60)[1]
    assert (second.returncode, directory.running()) == (1, state)
    stop = _command("stop", *state_option, "--json")
    assert json.loads(stop.communicate(timeout=30)[0])["stopped"]["endpoint_url"] == state.endpoint_url
    assert _processes(state) == []


def test_a_command_that_needs_a_running_sandbox_says_how_to_start_one(directory: StateDirectory) -> None:
    command = _command("deploy", "--state", str(directory.path))
    assert "start one with `python -m sandbox up`" in command.communicate(timeout=30)[1]
    assert command.returncode == 1


def test_reset_removes_the_directory(directory: StateDirectory) -> None:
    with Sandbox(directory.path):
        pass
    command = _command("reset", "--state", str(directory.path))
    command.communicate(timeout=30)
    assert (command.returncode, directory.path.exists()) == (0, False)


def test_a_server_that_does_not_listen_any_more_is_killed(
    directory: StateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.server._STOP_TIMEOUT_SECONDS", 0.2)
    sandbox = Sandbox(directory.path)
    sandbox.start()
    state = directory.running()
    os.kill(state.pid, signal.SIGSTOP)
    sandbox.stop()
    assert _processes(state) == []
    assert directory.read() is None
