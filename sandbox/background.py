"""Work that a thread of its own does again and again until it is stopped."""

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Repeated:
    """Does the work every so many seconds of wall time, and once more at the end."""

    def __init__(self, name: str, work: Callable[[], None], *, interval: float) -> None:
        self._name = name
        self._work = work
        self._interval = interval
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Do it once more and end."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._stopping.wait(self._interval)
            try:
                self._work()
            except Exception:  # noqa: BLE001 - it must outlive a server that is not there for a moment
                _log.warning("%s could not be written", self._name, exc_info=True)
