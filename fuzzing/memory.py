"""How much memory a piece of work took at its peak."""

import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

_UNIT: Final = 1 if sys.platform == "darwin" else 1024
"""Bytes of ``ru_maxrss`` (getrusage(2))."""
_CLEAR: Final = Path("/proc/self/clear_refs")
_PEAK: Final = "5"
"""Resets the peak to what is resident now (proc(5), /proc/pid/clear_refs)."""


def measure() -> Callable[[], int]:
    """Begin to measure; what is returned says by how many bytes the process has grown at its peak since.

    Without Linux's way to forget the peak of earlier work, only growth beyond that peak is seen.
    """
    with suppress(OSError):
        _CLEAR.write_text(_PEAK)
    before = _peak()
    return lambda: _peak() - before


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT
