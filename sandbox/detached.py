"""A sandbox that goes on when the command that started it has ended; `python -m sandbox stop` ends it."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile

from sandbox.errors import SandboxError
from sandbox.state import State

_REPOSITORY = Path(__file__).resolve().parent.parent


def start(options: Sequence[str]) -> State:
    """Run `python -m sandbox up` in a session of its own, with these options, and wait until it answers.

    Raises:
        SandboxError: what it said when it could not start.
    """
    with TemporaryFile() as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "up", "--json", *options],
            cwd=_REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        )
        assert process.stdout is not None  # noqa: S101 - it was opened as a pipe
        with process.stdout as answer:
            line = answer.readline()
        if line:
            return State(**json.loads(line))
        process.wait()
        complaints.seek(0)
        raise SandboxError(complaints.read().decode(errors="replace").strip())
