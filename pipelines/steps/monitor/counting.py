"""Which windows are pending, and what they were counted to: kept in the store, so that a window is counted once.

Nothing here judges: the cluster that counts has no library for it.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipelines.steps.drift.limits import Limits
from pipelines.steps.monitor import collect, windows
from pipelines.steps.monitor import live as serving
from pipelines.steps.monitor.answers import ANSWERS
from pipelines.steps.monitor.collect import Collector, Part, Reference, WindowCounts
from pipelines.steps.monitor.live import Live
from pipelines.steps.monitor.store import Store
from pipelines.steps.monitor.windows import Window

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

_SIDE_BY_SIDE = 4
"""Windows that are counted at the same time; each of them reads several files at once."""
MOST_WINDOWS = 62
"""Windows that one run catches up with; what is older stays unjudged, and the job ends in reasonable time."""


@dataclass(frozen=True)
class MonitorArguments:
    """What the step is started with.

    Attributes:
        project: its name.
        environment: its name.
        endpoint: its name.
        until: the moment at which the schedule wanted the run.
        metric: the project's primary metric.
        limits: windows and limits.
    """

    project: str
    environment: str
    endpoint: str
    until: datetime
    metric: str
    limits: Limits


@dataclass(frozen=True)
class Places:
    """Where things lie.

    Attributes:
        capture: data capture of the endpoint, a folder for each variant.
        runs: outputs of the training runs.
        labels: ground truth.
        monitoring: what the monitor keeps of the endpoint.
    """

    capture: Store
    runs: Store
    labels: Store
    monitoring: Store


@dataclass
class Counting:
    """The windows of one endpoint.

    Attributes:
        arguments: which endpoint, and how windows are cut.
        places: where things lie.
        live: the version that serves.
        reference: its baseline.
        collector: counts a window that nobody has counted yet.
    """

    arguments: MonitorArguments
    places: Places
    live: Live
    reference: Reference
    collector: Collector
    _counted: dict[Window, WindowCounts] = field(default_factory=dict)
    _answered: dict[Window, pa.Table] = field(default_factory=dict)

    @classmethod
    def of_endpoint(
        cls,
        arguments: MonitorArguments,
        places: Places,
        sagemaker: "SageMakerClient",
        *,
        collector: Collector = collect.collect,
    ) -> "Counting | None":
        """Look at the endpoint; ``None`` when nothing serves yet.

        Raises:
            StepError: what serves has no baseline.
        """
        live = serving.find(arguments.endpoint, sagemaker)
        if live is None:
            return None
        baseline = serving.read_baseline(live, places.runs)
        return cls(arguments, places, live, Reference(baseline=baseline, version=live.version), collector)

    def pending(self) -> list[Window]:
        """Return the windows that are over and not judged, oldest first."""
        limits = self.arguments.limits
        newest = windows.newest(self.arguments.until, length=limits.length, grace=limits.grace)
        judged = (name.rpartition("/")[2].removesuffix(".json") for name in self.places.monitoring.names("judgements/"))
        last = max(judged, default="")
        candidates = windows.after(self.live.serving_since, newest, most=MOST_WINDOWS)
        return [window for window in candidates if window.name > last]

    def waited_for(self, pending: list[Window]) -> list[Window]:
        """Return the windows whose labels count in the judgement of the pending ones, oldest first."""
        earlier = [pending[0].before(steps) for steps in range(1, self.arguments.limits.label_windows)]
        return [*reversed(earlier), *pending]

    def span(self, window: Window) -> list[WindowCounts]:
        """Return what the windows that are judged with this one were counted to, oldest first."""
        return [self.counts(window.before(steps)) for steps in reversed(range(self.arguments.limits.span))]

    def prepare(self, pending: list[Window]) -> None:
        """Read what is stored of the windows that judging the pending ones needs, and count the others."""
        since, store = self.live.serving_since, self.places.monitoring
        reach = range(len(pending) + self.arguments.limits.span - 1)
        counted = [window for steps in reach if (window := pending[-1].before(steps)).end > since]
        answered = [window for window in self.waited_for(pending) if window.end > since]
        for window, document in zip(counted, store.documents([self._counts_key(one) for one in counted]), strict=True):
            if document is not None:
                self._counted[window] = collect.parse(document)
        for window, content in zip(answered, store.read_all([self._answers_key(one) for one in answered]), strict=True):
            if content is not None:
                self._answered[window] = collect.unpack(content)
        missing = (set(counted) - self._counted.keys()) | (set(answered) - self._answered.keys())
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            list(pool.map(self._collect, sorted(missing)))

    def counts(self, window: Window) -> WindowCounts:
        """Return what a window was counted to by the live version's baseline, counting it if nobody has."""
        if window.end <= self.live.serving_since:
            return collect.nothing(self.reference)
        if window not in self._counted:
            self._collect(window)
        return self._counted[window]

    def answers(self, window: Window) -> pa.Table:
        """Return the answers of a window, counting it if nobody has."""
        if window.end <= self.live.serving_since:
            return ANSWERS.empty_table()
        if window not in self._answered:
            self._collect(window)
        return self._answered[window]

    def count_ahead(self) -> int:
        """Count every window that the judgement of the pending ones will need; returns how many are pending."""
        pending = self.pending()
        if pending:
            self.prepare(pending)
        return len(pending)

    def _collect(self, window: Window) -> None:
        captured = self.places.capture.below(f"{self.live.variant}/")
        names = list(collect.files_of(window, captured))
        self._keep(self.collector(window, captured, self.reference, names=names), window)

    def _keep(self, part: Part, window: Window) -> None:
        """Store what a window was counted to, and its answers; doing it again changes nothing."""
        self.places.monitoring.write(self._answers_key(window), collect.pack(part.answers))
        self.places.monitoring.write_document(self._counts_key(window), part.counts.as_document())
        self._counted[window], self._answered[window] = part.counts, part.answers

    def _counts_key(self, window: Window) -> str:
        """Return where the counts of a window lie; another version has another baseline, so other counts."""
        return f"{self._folder(window)}/counts-{self.live.run_id}.json"

    def _answers_key(self, window: Window) -> str:
        return f"{self._folder(window)}/answers.parquet"

    def _folder(self, window: Window) -> str:
        """Return the folder of a window: an hour and a day may begin at the same moment."""
        return f"windows/{self.arguments.limits.window}/{window.name}"

    def judgement(self, window: Window) -> dict[str, Any] | None:
        """Return the judgement of a window that is on record."""
        document: dict[str, Any] | None = self.places.monitoring.document(judgement_key(window))
        return document


def judgement_key(window: Window) -> str:
    """Return where the judgement of a window lies."""
    return f"judgements/{window.name}.json"
