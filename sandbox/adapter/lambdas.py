"""Lambdas run in processes that see only what AWS would give them, and leave their logs where people find them."""

import os
import shlex
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from sandbox.adapter import internals
from sandbox.adapter.lambda_process import taking_logs, warm_process
from sandbox.adapter.lambda_writing import Written, after_each_invocation
from sandbox.lambda_runtime import runtime_directory

# What the emulator itself sets for each Lambda, under names that the server's environment has too.
_GIVEN = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    }
)

# Put before the emulator's own program of a Lambda process, whose environment starts as a copy of the server's.
# The function's own variables arrive afterwards, so removing the server's takes nothing from it.
_PROLOGUE = """
import os as _os, sys as _sys
for _name in {server_variables!r}:
    _os.environ.pop(_name, None)
for _name, _value in {lambda_variables!r}.items():
    _os.environ.setdefault(_name, _value)
_os.environ.setdefault("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + _os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""))
_sys.path.append({runtime_directory!r})
del _os, _sys, _name, _value
"""


def isolate(state_dir: Path) -> None:
    """Make Python Lambdas run without the packages and the environment variables of this machine.

    Args:
        state_dir: where the interpreter's launcher and the runtime's packages are put.
    """
    packages = runtime_directory(state_dir / "runtime")
    # Before any function starts: two that start at once would find it half written.
    launcher = _write_launcher(state_dir / "runtime")
    server_variables = sorted(set(os.environ) - _GIVEN)
    program = taking_logs(internals.WORKER_SCRIPT.get())
    internals.WORKER.replace(warm_process(internals.WORKER.get()))
    original = internals.RUNTIME_BINARY.get()

    def detect_runtime_binary(runtime: str) -> tuple[str, str]:
        if not runtime.startswith("python"):
            binary, script = original(runtime)
            return str(binary), str(script)
        prologue = _PROLOGUE.format(
            server_variables=server_variables,
            lambda_variables=_lambda_variables(runtime),
            runtime_directory=str(packages),
        )
        return str(launcher), prologue + program

    internals.RUNTIME_BINARY.replace(detect_runtime_binary)


def _lambda_variables(runtime: str) -> dict[str, str]:
    """What AWS's page "Working with Lambda environment variables" lists as defined by the runtime."""
    return {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
        "TZ": ":UTC",
        # Not AWS's: they keep the SDK away from the configuration and the instance metadata of this machine.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def _write_launcher(directory: Path) -> Path:
    """Write what starts Python without any site-packages; the emulator cannot give the interpreter options."""
    launcher = directory / "lambda-python"
    # Not the virtual environment's own one, whose children would see its packages again.
    python = getattr(sys, "_base_executable", sys.executable)
    launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(python)} -S -s -P "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)
    return launcher


def keep_logs(log_dir: Path) -> None:
    """Append what Lambdas write to `<log_dir>/lambda/<function>.log`, besides CloudWatch Logs.

    A process that fails to start says why in its result only; that reason is added to its log, as AWS does.
    """
    directory = log_dir / "lambda"
    directory.mkdir(parents=True, exist_ok=True)
    execute = internals.EXECUTE_WARM.get()
    lock = threading.Lock()
    files: dict[str, TextIO] = {}

    def execute_function_warm(func: Mapping[str, Any], event: Any, request_id: str) -> Any:
        result = execute(func, event, request_id)
        if isinstance(result, dict) and result.get("error") and not result.get("log"):
            body = result.get("body") or {}
            result["log"] = f"[ERROR] {body.get('errorType', 'Error')}: {body.get('errorMessage', body)}"
        return result

    def keep(written: Written) -> None:
        name, stamp = written.name, datetime.now(UTC).isoformat(timespec="milliseconds")
        outcome = "FAILED" if written.failed else "END"
        lines = [
            f"{stamp} START RequestId: {written.request_id}",
            *written.text.splitlines(),
            f"{stamp} {outcome} RequestId: {written.request_id} Duration: {written.milliseconds} ms",
        ]
        with lock:
            if name not in files:
                files[name] = (directory / f"{name}.log").open("a", encoding="utf-8")
            files[name].write("\n".join(lines) + "\n")
            files[name].flush()

    internals.EXECUTE_WARM.replace(execute_function_warm)
    after_each_invocation(keep)
