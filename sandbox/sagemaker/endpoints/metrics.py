"""CloudWatch metrics of endpoints: namespace AWS/SageMaker, dimensions EndpointName and VariantName.

Names and units: AWS's page "Amazon SageMaker AI metrics in Amazon CloudWatch".
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.background import Repeated
from sandbox.cloudwatch.gathering import batches
from sandbox.sagemaker.endpoints.model_server import Place
from sandbox.sagemaker.platform import Platform

_NAMESPACE = "AWS/SageMaker"
_ERRORS = {4: "Invocation4XXErrors", 5: "Invocation5XXErrors"}


@dataclass
class _Window:
    """What happened to one variant since the last writing; latencies in microseconds."""

    invocations: int = 0
    errors: Counter[int] = field(default_factory=Counter)
    model_latency: Counter[int] = field(default_factory=Counter)
    overhead_latency: Counter[int] = field(default_factory=Counter)


class Metrics:
    """Counts invocations and writes the counts from one thread, one call for many requests."""

    def __init__(self, platform: Platform, *, interval: float) -> None:
        self._platform = platform
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._windows: defaultdict[tuple[str, str], _Window] = defaultdict(_Window)
        self._repeated = Repeated("metrics of endpoints", self.flush, interval=interval)

    def record(self, place: Place, *, status: int, model_seconds: float, total_seconds: float) -> None:
        """Count one invocation."""
        with self._lock:
            window = self._windows[place.endpoint, place.variant]
            window.invocations += 1
            window.errors[status // 100] += 1
            window.model_latency[_rounded(model_seconds)] += 1
            window.overhead_latency[_rounded(total_seconds - model_seconds)] += 1

    def flush(self) -> None:
        """Write what was counted; when this returns, CloudWatch has it."""
        with self._writing:
            with self._lock:
                taken, self._windows = self._windows, defaultdict(_Window)
            self._write(taken)

    def _write(self, taken: Mapping[tuple[str, str], _Window]) -> None:
        now = self._platform.clock.now()
        for (endpoint, variant), window in taken.items():
            dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
            data = [{**datum, "Dimensions": dimensions, "Timestamp": now} for datum in _data(window)]
            self._platform.client("cloudwatch").put_metric_data(Namespace=_NAMESPACE, MetricData=data)

    def stop(self) -> None:
        """Write the rest and end."""
        self._repeated.stop()


def _rounded(seconds: float) -> int:
    """Microseconds with two significant digits, so that few distinct values are sent."""
    microseconds = max(1, round(seconds * 1_000_000))
    step: int = 10 ** max(0, len(str(microseconds)) - 2)
    return microseconds // step * step


def _data(window: _Window) -> Iterator[dict[str, Any]]:
    yield {"MetricName": "Invocations", "Unit": "Count", "Values": [1.0], "Counts": [float(window.invocations)]}
    for hundred, name in _ERRORS.items():
        counts = Counter({1: window.errors[hundred], 0: window.invocations - window.errors[hundred]})
        yield from _batches(name, "Count", +counts)
    yield from _batches("ModelLatency", "Microseconds", window.model_latency)
    yield from _batches("OverheadLatency", "Microseconds", window.overhead_latency)


def _batches(name: str, unit: str, counts: Counter[int]) -> Iterator[dict[str, Any]]:
    return ({"MetricName": name, "Unit": unit, **batch} for batch in batches(counts))
