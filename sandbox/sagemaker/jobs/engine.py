"""Runs the bodies of jobs in threads and knows how to stop and to await them."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.sagemaker.jobs.errors import JobError
from sandbox.sagemaker.jobs.process import Child, Command, Exit
from sandbox.sagemaker.jobs.workspace import Workspace
from sandbox.sagemaker.logs import LogShipper
from sandbox.sagemaker.platform import Platform

_log = logging.getLogger(__name__)


@dataclass
class Run:
    """A job under way, as its body sees it."""

    name: str
    log_group: str
    workspace: Workspace
    log_file: Path
    logs: LogShipper
    child: Child = field(default_factory=Child)
    done: threading.Event = field(default_factory=threading.Event)

    def execute(self, command: Command, *, role_arn: str) -> Exit:
        """Run the job's process, with what it prints going to its log file and, as its role may, to CloudWatch Logs.

        Raises:
            JobError: when there is no such program.
        """
        stream = f"{self.name}/algo-1-{int(time.time())}"
        self.logs.follow(self.log_file, group=self.log_group, stream=stream, role_arn=role_arn)
        try:
            return self.child.run(command)
        except OSError as error:
            raise JobError(f"CannotStartContainerError: {error}") from error
        finally:
            self.logs.end(self.log_file)


class JobEngine:
    """All jobs of one kind; `log_group` is the CloudWatch log group of the kind."""

    def __init__(self, platform: Platform, *, log_group: str, logs: LogShipper) -> None:
        self._platform = platform
        self._log_group = log_group
        self._logs = logs
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}

    def start(self, name: str, body: Callable[[Run], None]) -> None:
        """Run the body in a thread of its own; it must handle its own failures and record the outcome."""
        log_file = self._platform.log_dir / "jobs" / f"{name}.log"
        log_file.parent.mkdir(parents=True, exist_ok=True)
        run = Run(
            name=name,
            log_group=self._log_group,
            workspace=Workspace(self._platform.work_dir / "jobs" / name),
            log_file=log_file,
            logs=self._logs,
        )
        with self._lock:
            self._runs[name] = run
        threading.Thread(target=self._run, args=[run, body], name=f"job-{name}", daemon=True).start()

    def stop(self, name: str) -> None:
        """End the job's process; the body notices and records it."""
        with self._lock:
            run = self._runs.get(name)
        if run is not None:
            run.child.stop()

    def wait(self, name: str) -> None:
        """Return when the job is over."""
        with self._lock:
            run = self._runs.get(name)
        if run is not None:
            run.done.wait()

    def close(self) -> None:
        """Stop all jobs and wait for their ends."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.child.stop()
        for run in runs:
            run.done.wait(timeout=10)

    def _run(self, run: Run, body: Callable[[Run], None]) -> None:
        try:
            body(run)
        except Exception:  # noqa: BLE001 - the last frame of the thread: the body has recorded the failure, here it is logged
            _log.exception("job %s broke inside the sandbox", run.name)
        finally:
            with self._lock:
                self._runs.pop(run.name, None)
            run.workspace.remove()
            run.done.set()
