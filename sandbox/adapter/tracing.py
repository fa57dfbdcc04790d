"""Which invocations of a traced Lambda are sampled.

AWS page "Visualize Lambda function invocations using AWS X-Ray": with active tracing, one request per second is traced
and five percent of the further ones. The emulator traces every one, and a function pays for each with every call.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.adapter import internals

_OF_FURTHER = 20
"""One of so many is traced."""


class Sampling:
    """Decides for each function by the second, and by counting; nothing is left to chance."""

    def __init__(self, trace: Callable[..., str | None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._trace = trace
        self._clock = clock
        # By function: the second that has its trace, and how many invocations came beside those.
        self._seen: dict[str, tuple[int, int]] = {}

    def header(self, config: Mapping[str, Any], inbound: str | None = None) -> str | None:
        """Return the trace header of an invocation; one that comes with the call has been decided about before."""
        header = self._trace(config, inbound)
        if header is None or inbound or self._takes(str(config.get("FunctionName"))):
            return header
        return header.replace("Sampled=1", "Sampled=0")

    def _takes(self, function: str) -> bool:
        second = int(self._clock())
        before, further = self._seen.get(function, (None, 0))
        if before != second:
            self._seen[function] = second, further
            return True
        self._seen[function] = second, further + 1
        return (further + 1) % _OF_FURTHER == 0


def sample_as_xray_does() -> None:
    """Let the default rule decide."""
    internals.TRACE_ID.replace(Sampling(internals.TRACE_ID.get()).header)
