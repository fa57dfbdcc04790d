"""A warm Lambda process is asked without a thread of its own, and its log comes back with its answer.

The emulator starts two threads for an invocation and listens for the end of the log for a while, which is most of what
a short function costs.
"""

import asyncio
import contextlib
import json
import os
import select
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.adapter import internals

#: A request of this size fits into an empty pipe, so writing it never waits.
_PIPE_BYTES = 32_000
_CHUNK = 1 << 20
_GRACE_SECONDS = 2.0

# Put before the emulator's program: what the function writes is taken while it handles a request, and sent along with
# the answer. A process that is told to end says what it has taken.
PROLOGUE = """
import io as _io, os as _os, signal as _signal, sys as _sys
class _Taken(_io.TextIOBase):
    def __init__(self, real):
        self._real, self._parts, self.taking = real, [], False
    def write(self, text):
        if self.taking:
            self._parts.append(text)
        else:
            self._real.write(text)
        return len(text)
    def flush(self):
        self._real.flush()
    def fileno(self):
        return self._real.fileno()
    def take(self):
        parts, self._parts, self.taking = self._parts, [], False
        return "".join(parts)
def _end(number, frame):
    text = _sys.stderr.take()
    _os.write(2, text.encode())
    _os._exit(128 + number)
_sys.stderr = _Taken(_sys.stderr)
_signal.signal(_signal.SIGTERM, _end)
"""
_CALL = "            result = handler_fn(event, context)\n"
_ANSWER = '{"status": "ok", "result": result}'
_FAILURE = '"trace": traceback.format_exc()}'
#: What must be in the emulator's program for `taking_logs`.
PLACES = (_CALL, _ANSWER, _FAILURE)


def taking_logs(program: str) -> str:
    """The emulator's program of a Python function, with the log in its answers."""
    taking = program.replace(_CALL, f"            sys.stderr.taking = True\n{_CALL}")
    answering = taking.replace(_ANSWER, _ANSWER.replace("}", ', "log": sys.stderr.take()}'))
    return PROLOGUE + answering.replace(_FAILURE, _FAILURE.replace("}", ', "log": sys.stderr.take()}'))


class _Lines:
    """Collects what the process writes until there is an answer among it."""

    def __init__(self) -> None:
        self._rest = b""

    def add(self, chunk: bytes) -> dict[str, Any] | None:
        """The answer, if it has come; anything else that was written is passed over."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"{"):
                with contextlib.suppress(ValueError):
                    answer: dict[str, Any] = json.loads(line)
                    if answer.get("status") in ("ok", "error"):
                        return answer
        return None


_GONE: Mapping[str, Any] = {"status": "error", "error": "Worker process died"}


class WarmProcess:
    """A process of a Python function; that of another runtime is asked as the emulator does."""

    # What the emulator's class has.
    config: Mapping[str, Any]
    _lock: threading.Lock
    _proc: Any
    _cold: bool
    _stderr_thread: threading.Thread | None
    _spawn: Callable[[], None]
    _drain_stderr: Callable[[], str]

    def invoke(self, event: Any, request_id: str, **options: Any) -> dict[str, Any]:
        """Ask the process and wait for its answer; start it if it does not run."""
        if not self._is_python():
            answer: dict[str, Any] = super().invoke(event, request_id, **options)  # type: ignore[misc]  # the emulator's
            return answer
        with self._lock:
            if self._proc is None or self._proc.poll() is not None:
                self._spawn()
                self._cold = False
            try:
                self._proc.stdin.write(self._envelope(event, request_id, options))
                self._proc.stdin.flush()
                return self._finished(self._await_answer())
            except OSError:
                return self._finished(dict(_GONE))

    def can_be_awaited(self) -> bool:
        """Whether the process runs, so that asking it waits for nothing but the function."""
        return self._is_python() and self._proc is not None and self._proc.poll() is None

    async def invoke_here(self, event: Any, request_id: str, **options: Any) -> dict[str, Any] | None:
        """Ask the running process from the server's loop; None when the request is too large for that."""
        message = self._envelope(event, request_id, options).encode()
        if len(message) > _PIPE_BYTES:
            return None
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[dict[str, Any] | None] = loop.create_future()
        source, lines = self._proc.stdout.fileno(), _Lines()

        def read() -> None:
            chunk = os.read(source, _CHUNK)
            answer = lines.add(chunk) if chunk else dict(_GONE)
            if answer is not None and not answered.done():
                answered.set_result(answer)

        def give_up() -> None:
            if not answered.done():
                answered.set_result(None)

        loop.add_reader(source, read)
        waiting = loop.call_later(self._timeout(), give_up)
        try:
            os.write(self._proc.stdin.fileno(), message)
            answer = await answered
        except OSError:
            answer = dict(_GONE)
        except asyncio.CancelledError:
            # Its answer is still to come, and would be taken for that to another request.
            loop.run_in_executor(None, self._end)
            raise
        finally:
            waiting.cancel()
            loop.remove_reader(source)
        if answer is None:
            return await asyncio.to_thread(self._timed_out)
        return self._finished(answer)

    def _is_python(self) -> bool:
        return str(self.config.get("Runtime", "python")).startswith("python")

    def _timeout(self) -> float:
        return float(self.config.get("Timeout", 30))

    def _envelope(self, event: Any, request_id: str, options: Mapping[str, Any]) -> str:
        arn = options.get("invoked_function_arn")
        context = {
            "request_id": request_id,
            "invoked_function_arn": self.config.get("FunctionArn", "") if arn is None else arn,
            "timeout_ms": int(self._timeout() * 1000),
            "trace_id": options.get("trace_id"),
            "depth": options.get("depth"),
            "durable": options.get("durable") or {},
        }
        return json.dumps({"event": event, "ctx": context}) + "\n"

    def _await_answer(self) -> dict[str, Any]:
        source, lines = self._proc.stdout.fileno(), _Lines()
        deadline = time.monotonic() + self._timeout()
        poll = select.poll()
        poll.register(source, select.POLLIN)
        while (left := deadline - time.monotonic()) > 0:
            if poll.poll(left * 1000):
                chunk = os.read(source, _CHUNK)
                if not chunk:
                    return dict(_GONE)
                if (answer := lines.add(chunk)) is not None:
                    return answer
        return self._timed_out()

    def _timed_out(self) -> dict[str, Any]:
        self._end()
        error = f"Task timed out after {self._timeout():g}.00 seconds"
        return {"status": "error", "error": error, "log": self._drain_stderr()}

    def _finished(self, answer: dict[str, Any]) -> dict[str, Any]:
        if "trace" not in answer and answer["status"] == "error":
            # It is of no more use; a function that raised an error goes on, as on AWS.
            self._end()
        answer["log"] = self._drain_stderr() + str(answer.get("log", ""))
        return answer

    def _end(self) -> None:
        process, self._proc = self._proc, None
        if process is None:
            return
        internals.SIGNAL.get()(process)
        internals.COLLECT.get()(process, time.monotonic() + _GRACE_SECONDS)
        if self._stderr_thread is not None:
            self._stderr_thread.join(timeout=_GRACE_SECONDS)


def warm_process(base: type) -> type:
    """The emulator's class of a Lambda process, asked in another way."""
    return type("WarmProcess", (WarmProcess, base), {})
