"""The step itself: finds the windows that are over, judges them oldest first, and tells.

Safe to run twice, late or out of order: a judged window is not judged again, windows that were missed are caught up
with, and what a window was counted to stands at a key of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipelines.steps.drift.limits import Limits
from pipelines.steps.monitor import collect, ground_truth, judge, publish, windows
from pipelines.steps.monitor import live as serving
from pipelines.steps.monitor.answers import ANSWERS
from pipelines.steps.monitor.collect import Reference, WindowCounts
from pipelines.steps.monitor.ground_truth import Labels
from pipelines.steps.monitor.judge import Evidence, Subject
from pipelines.steps.monitor.live import Live
from pipelines.steps.monitor.store import Store
from pipelines.steps.monitor.windows import Window, hour_folders
from pipelines.steps.profiling import arrow_engine
from pipelines.steps.profiling.layout import Layout

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sagemaker import SageMakerClient

MOST_WINDOWS = 62
"""Windows that one run catches up with; what is older stays unjudged, and the job ends in reasonable time."""
HISTORY = 60


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
        capture: data capture of the endpoint.
        runs: outputs of the training runs.
        labels: ground truth.
        monitoring: what the monitor keeps of the endpoint.
    """

    capture: Store
    runs: Store
    labels: Store
    monitoring: Store


@dataclass
class Monitor:
    """One run of the step."""

    arguments: MonitorArguments
    places: Places
    sagemaker: "SageMakerClient"
    cloudwatch: "CloudWatchClient"
    _counted: dict[Window, WindowCounts] = field(default_factory=dict)
    _answered: dict[Window, pa.Table] = field(default_factory=dict)

    def run(self) -> list[dict[str, Any]]:
        """Judge every window that is over and not judged yet; returns the judgements, oldest first.

        Raises:
            StepError: what serves has no baseline, or something that is on record cannot be read.
        """
        live = serving.find(self.arguments.endpoint, self.sagemaker)
        pending = [] if live is None else self._pending(live)
        if live is None or not pending:
            self._say("nothing serves yet" if live is None else "every window that is over is judged")
            self._tell_alive()
            return []
        subject = self._subject(live)
        labels = self._labels(pending)
        labelled = {
            window: ground_truth.label(self._answers(window, subject), labels) for window in self._waited_for(pending)
        }
        before = self._judgement(pending[0].before(1))
        judged = []
        for window in pending:
            judgement = judge.judge(window, self._evidence(window, subject, labels, labelled), subject, before=before)
            publish.publish(judgement, self.cloudwatch)
            self.places.monitoring.write_document(f"judgements/{window.name}.json", judgement)
            judged.append(judgement)
            before = judgement
            self._say(_sentence(judgement))
        self.places.monitoring.write_document("latest.json", judged[-1])
        return judged

    def history(self) -> list[dict[str, Any]]:
        """Return the newest judgements, oldest first."""
        names = sorted(self.places.monitoring.names("judgements/"))[-HISTORY:]
        return [document for name in names if (document := self.places.monitoring.document(name)) is not None]

    def _pending(self, live: Live) -> list[Window]:
        limits = self.arguments.limits
        newest = windows.newest(self.arguments.until, length=limits.length, grace=limits.grace)
        judged = [name.rpartition("/")[2].removesuffix(".json") for name in self.places.monitoring.names("judgements/")]
        candidates = windows.after(live.serving_since, newest, most=MOST_WINDOWS)
        last = max(judged, default="")
        return [window for window in candidates if window.name > last]

    def _subject(self, live: Live) -> Subject:
        baseline = serving.read_baseline(live, self.places.runs)
        return Subject(
            project=self.arguments.project,
            environment=self.arguments.environment,
            endpoint=self.arguments.endpoint,
            metric=self.arguments.metric,
            limits=self.arguments.limits,
            live=live,
            reference=Reference(baseline=baseline, version=live.version),
        )

    def _waited_for(self, pending: list[Window]) -> list[Window]:
        """Return the windows whose labels count in the judgement of the pending ones, oldest first."""
        earlier = [pending[0].before(steps) for steps in range(1, self.arguments.limits.label_windows)]
        return [*reversed(earlier), *pending]

    def _evidence(
        self, window: Window, subject: Subject, labels: Labels, labelled: Mapping[Window, pa.Table]
    ) -> Evidence:
        limits, baseline = self.arguments.limits, subject.reference.baseline
        span = [self._counts(window.before(steps), subject) for steps in reversed(range(limits.span))]
        waited_for = [labelled[window.before(steps)] for steps in reversed(range(limits.label_windows))]
        joined = ground_truth.join(pa.concat_tables(waited_for), version=subject.live.version)
        target = Layout((baseline.layout.column(baseline.subject.target),))
        is_truth = target.columns[0].type == "boolean"
        targets = joined.labels.cast(pa.bool_()) if is_truth else joined.labels
        matched = {
            one for table in labelled.values() for one in table.column("inference_id").to_pylist() if one in labels.of
        }
        return Evidence(
            span=span,
            joined=joined,
            targets=arrow_engine.profile_table(pa.table({baseline.subject.target: targets}), target),
            unmatched=len(labels.of) - len(matched),
            conflicting=labels.conflicting,
            problems=labels.found(),
        )

    def _counts(self, window: Window, subject: Subject) -> WindowCounts:
        """Return what a window was counted to by the live version's baseline, counting it if nobody has."""
        if window.end <= subject.live.serving_since:
            return collect.nothing(subject.reference)
        if window not in self._counted:
            stored = self.places.monitoring.document(counts_key(window, subject.live))
            if stored is None:
                self._collect(window, subject)
            else:
                self._counted[window] = collect.parse(stored)
        return self._counted[window]

    def _answers(self, window: Window, subject: Subject) -> pa.Table:
        if window.end <= subject.live.serving_since:
            return ANSWERS.empty_table()
        if window not in self._answered:
            content = self.places.monitoring.read(answers_key(window))
            if content is None:
                self._collect(window, subject)
            else:
                self._answered[window] = collect.unpack(content)
        return self._answered[window]

    def _collect(self, window: Window, subject: Subject) -> None:
        names = list(collect.files_of(window, self.places.capture))
        part = collect.collect(window, self.places.capture, subject.reference, names=names)
        keep(part, window, subject.live, self.places.monitoring)
        self._counted[window], self._answered[window] = part.counts, part.answers

    def _labels(self, pending: list[Window]) -> Labels:
        """Read every label that may belong to the answers; the folders tell when they were delivered."""
        store, limits = self.places.labels, self.arguments.limits
        first = pending[0].before(limits.label_windows - 1).start
        folders = hour_folders(_midnight(first), _midnight(self.arguments.until) + timedelta(days=1))
        names = sorted(name for folder in folders for name in store.names(folder) if not name.endswith("/"))
        return ground_truth.read((name, content) for name in names if (content := store.read(name)) is not None)

    def _judgement(self, window: Window) -> dict[str, Any] | None:
        document: dict[str, Any] | None = self.places.monitoring.document(f"judgements/{window.name}.json")
        return document

    def _tell_alive(self) -> None:
        publish.alive(
            project=self.arguments.project,
            environment=self.arguments.environment,
            endpoint=self.arguments.endpoint,
            at=self.arguments.until,
            cloudwatch=self.cloudwatch,
        )

    @staticmethod
    def _say(text: str) -> None:
        print(text)  # noqa: T201  # the job's log


def keep(part: collect.Part, window: Window, live: Live, monitoring: Store) -> None:
    """Store what a window was counted to, and its answers; doing it again changes nothing."""
    monitoring.write(answers_key(window), collect.pack(part.answers))
    monitoring.write_document(counts_key(window, live), part.counts.as_document())


def counts_key(window: Window, live: Live) -> str:
    """Return where the counts of a window lie; another version has another baseline, so other counts."""
    return f"windows/{window.name}/counts-{live.run_id}.json"


def answers_key(window: Window) -> str:
    """Return where the answers of a window lie."""
    return f"windows/{window.name}/answers.parquet"


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _sentence(judgement: dict[str, Any]) -> str:
    broken = [name.replace("_", " ") for name, breach in judgement["breaches"].items() if breach]
    start, rows = judgement["window"]["start"], judgement["traffic"]["rows"]
    return f"window {start}: {rows} rows, version {judgement['model']['version']}, {', '.join(broken) or 'in order'}"
