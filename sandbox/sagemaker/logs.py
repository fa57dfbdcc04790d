"""Brings what containers print to CloudWatch Logs, where AWS would have it."""

import logging
import threading
import time
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
    position: int = 0
    created: bool = False
    ended: threading.Event = field(default_factory=threading.Event)


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

    def follow(self, path: Path, *, group: str, stream: str) -> None:
        """Copy the file's lines to the stream from now on; the file need not exist yet."""
        with self._lock:
            self._followed[path] = _Followed(path=path, group=group, stream=stream)

    def end(self, path: Path) -> None:
        """The file is complete: copy the rest, then forget it."""
        with self._lock:
            followed = self._followed.get(path)
        if followed is not None:
            followed.ended.set()

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
            try:
                while self._copy(file, complete=complete):
                    pass
            except Exception:  # noqa: BLE001 - logs must never end the work that they are about
                _log.warning("the lines of %s do not reach CloudWatch Logs", file.path, exc_info=True)
                complete = True
            if complete:
                with self._lock:
                    self._followed.pop(file.path, None)

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
        client = self._platform.client("logs")
        self._create_stream(client, file)
        now = int(time.time() * 1000)
        texts = (line.decode(errors="replace").rstrip("\n")[:_MAX_LINE] for line in lines)
        events = [{"timestamp": now, "message": text} for text in texts if text]
        if events:
            client.put_log_events(logGroupName=file.group, logStreamName=file.stream, logEvents=events)
        file.position += sum(map(len, lines))
        return True

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
