"""Brings what containers print to CloudWatch Logs, where AWS would have it."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.sagemaker.platform import Platform

_log = logging.getLogger(__name__)
_MAX_EVENTS = 5000
_MAX_LINE = 200_000


@dataclass
class _Followed:
    path: Path
    group: str
    stream: str
    role_arn: str
    copy_to: Path | None
    position: int = 0
    created: bool = False
    shipped: bool = True
    ended: threading.Event = field(default_factory=threading.Event)
    then: Callable[[], None] | None = None


class LogShipper:
    """Follows log files from one thread and copies their new lines."""

    def __init__(self, platform: Platform, *, interval: float) -> None:
        self._platform = platform
        self._interval = interval
        self._lock = threading.Lock()
        self._followed: dict[Path, _Followed] = {}
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="sagemaker-logs", daemon=True)
        self._thread.start()

    def follow(self, path: Path, *, group: str, stream: str, role_arn: str, copy_to: Path | None = None) -> None:
        """Copy the file's lines to the stream from now on; the file need not exist yet.

        Args:
            path: the file that a process writes.
            group: the log group.
            stream: the log stream.
            role_arn: the role of the job or of the model, with whose rights it is done.
            copy_to: a file that gets the lines too, each with the stream before it, for people.
        """
        with self._lock:
            self._followed[path] = _Followed(path=path, group=group, stream=stream, role_arn=role_arn, copy_to=copy_to)

    def end(self, path: Path, *, then: Callable[[], None] | None = None) -> None:
        """The file is complete: copy the rest, forget it and call `then`."""
        with self._lock:
            followed = self._followed.get(path)
        if followed is not None:
            followed.then = then
            followed.ended.set()
        elif then is not None:
            then()

    def stop(self) -> None:
        """Copy what is left and end."""
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(self._interval)
            self._copy_all()

    def _copy_all(self) -> None:
        with self._lock:
            followed = list(self._followed.values())
        for file in followed:
            complete = file.ended.is_set()
            while self._copy(file, complete=complete):
                pass
            if complete:
                with self._lock:
                    self._followed.pop(file.path, None)
                if file.then is not None:
                    file.then()

    def _copy(self, file: _Followed, *, complete: bool) -> bool:
        """Copy one batch; True when there may be more."""
        if not file.path.exists():
            return False
        with file.path.open("rb") as source:
            source.seek(file.position)
            lines = source.readlines(1 << 20)[:_MAX_EVENTS]
        if lines and not lines[-1].endswith(b"\n") and not complete:
            lines.pop()
        if not lines:
            return False
        if file.copy_to is not None:
            with file.copy_to.open("ab") as target:
                target.writelines(f"{file.stream}: ".encode() + line for line in lines)
        if file.shipped:
            self._ship(file, [line.decode(errors="replace").rstrip("\n")[:_MAX_LINE] for line in lines])
        file.position += sum(map(len, lines))
        return True

    def _ship(self, file: _Followed, lines: Sequence[str]) -> None:
        now = round(self._platform.clock.now().timestamp() * 1000)
        events = [{"timestamp": now, "message": line} for line in lines if line]
        try:
            client = self._platform.client("logs", role_arn=file.role_arn)
            self._create_stream(client, file)
            if events:
                client.put_log_events(logGroupName=file.group, logStreamName=file.stream, logEvents=events)
        except Exception:  # noqa: BLE001 - logs must never end the work that they are about; the file still has them
            file.shipped = False
            _log.warning("the lines of %s no longer reach CloudWatch Logs", file.path, exc_info=True)

    @staticmethod
    def _create_stream(client: Any, file: _Followed) -> None:
        if file.created:
            return
        for create, names in (
            (client.create_log_group, {"logGroupName": file.group}),
            (client.create_log_stream, {"logGroupName": file.group, "logStreamName": file.stream}),
        ):
            try:
                create(**names)
            except client.exceptions.ResourceAlreadyExistsException:
                _log.debug("%s is there already", names)
        file.created = True
