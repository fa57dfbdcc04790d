"""Metrics that services of AWS and log lines yield: counted at once, written from one thread, many in one call.

AWS page: "Specification: Embedded metric format".
"""

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sandbox.background import Repeated

# Of PutMetricData ("CloudWatch service quotas").
_MAX_VALUES, _MAX_METRICS = 150, 1000
_MARK = '"CloudWatchMetrics"'

Dimensions = tuple[tuple[str, str], ...]


class Series(NamedTuple):
    """What is counted: one metric with its dimensions in the order of their names."""

    namespace: str
    name: str
    unit: str
    dimensions: Dimensions


def dimensions(**values: str) -> Dimensions:
    """Dimensions as a series has them."""
    return tuple(sorted(values.items()))


class Gatherer:
    """Gathers values and writes them every so often; it may be called from any thread and never waits."""

    def __init__(self, put: Callable[..., Any], *, now: Callable[[], datetime], interval: float) -> None:
        """Start the writing thread.

        Args:
            put: PutMetricData of a client.
            now: what the clock shows; values are written with the time of their writing.
            interval: seconds of wall time between two writings.
        """
        self._put = put
        self._now = now
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._counts: defaultdict[Series, Counter[float]] = defaultdict(Counter)
        self._texts: list[str] = []
        self._repeated = Repeated("metrics", self.flush, interval=interval)

    def add(self, values: Sequence[tuple[Series, float]]) -> None:
        """Count some values."""
        with self._lock:
            for series, value in values:
                self._counts[series][value] += 1

    def add_log(self, text: str) -> None:
        """Take the metrics out of the lines of a log, when it is written."""
        if _MARK in text:
            with self._lock:
                self._texts.append(text)

    def flush(self) -> None:
        """Write what was gathered; when this returns, CloudWatch has it."""
        with self._writing:
            with self._lock:
                counts, self._counts = self._counts, defaultdict(Counter)
                texts, self._texts = self._texts, []
            for text in texts:
                for line in text.splitlines():
                    for series, value in embedded(line):
                        counts[series][value] += 1
            self._write(counts)

    def stop(self) -> None:
        """Write the rest and end."""
        self._repeated.stop()

    def _write(self, counts: Mapping[Series, Counter[float]]) -> None:
        now = self._now()
        data: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for series, values in counts.items():
            named = [{"Name": name, "Value": value} for name, value in series.dimensions]
            common = {"MetricName": series.name, "Unit": series.unit, "Dimensions": named, "Timestamp": now}
            data[series.namespace] += [{**common, **batch} for batch in batches(values)]
        for namespace, metrics in data.items():
            for start in range(0, len(metrics), _MAX_METRICS):
                self._put(Namespace=namespace, MetricData=metrics[start : start + _MAX_METRICS])


def batches(counts: Mapping[Any, int]) -> Iterator[dict[str, Any]]:
    """Values with how often they occurred, as many as PutMetricData takes at a time."""
    values = sorted(counts)
    for start in range(0, len(values), _MAX_VALUES):
        batch = values[start : start + _MAX_VALUES]
        yield {"Values": [float(value) for value in batch], "Counts": [float(counts[value]) for value in batch]}


def embedded(line: str) -> Iterator[tuple[Series, float]]:
    """The metrics in a line of a log; none when it is not in the embedded metric format.

    What a line says beside the specification is passed over, as CloudWatch does. The time is not read: it is that of
    the machine, and the sandbox's clock may show another one.
    """
    if _MARK not in line:
        return
    try:
        document = json.loads(line)
        directives = list(document["_aws"]["CloudWatchMetrics"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return
    for directive in directives:
        try:
            yield from _directed(document, directive)
        except (TypeError, KeyError, ValueError, OverflowError):
            continue


def _directed(document: Mapping[str, Any], directive: Mapping[str, Any]) -> Iterator[tuple[Series, float]]:
    named = [tuple(sorted((str(name), str(document[name])) for name in names)) for names in directive["Dimensions"]]
    for metric in directive["Metrics"]:
        found = document[metric["Name"]]
        values = [float(value) for value in (found if isinstance(found, list) else [found])]
        for places in named:
            series = Series(str(directive["Namespace"]), str(metric["Name"]), str(metric.get("Unit", "None")), places)
            yield from ((series, value) for value in values)
