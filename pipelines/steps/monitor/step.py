"""The step itself: judges the windows that are over, oldest first, and tells.

Safe to run twice, late or out of order: a judged window is not judged again, windows that were missed are caught up
with, and what a window was counted to stands at a key of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipelines.steps.monitor import ground_truth, judge, publish
from pipelines.steps.monitor.counting import Counting, judgement_key
from pipelines.steps.monitor.ground_truth import Labels
from pipelines.steps.monitor.judge import Evidence, Subject
from pipelines.steps.monitor.windows import Window, hour_folders
from pipelines.steps.profiling import arrow_engine
from pipelines.steps.profiling.layout import Layout

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

HISTORY = 60
"""Judgements that a report looks back on."""


@dataclass(frozen=True)
class Monitor:
    """One run of the step.

    Attributes:
        counting: the windows of the endpoint.
        cloudwatch: takes the metrics.
    """

    counting: Counting
    cloudwatch: "CloudWatchClient"

    def run(self) -> list[dict[str, Any]]:
        """Judge every window that is over and not judged yet; returns the judgements, oldest first.

        Raises:
            StepError: something that is on record cannot be read.
        """
        pending = self.counting.pending()
        if not pending:
            return []
        subject, labels = self._subject(), self._labels(pending)
        labelled = {
            window: ground_truth.label(self.counting.answers(window), labels)
            for window in self.counting.waited_for(pending)
        }
        store = self.counting.places.monitoring
        before = self.counting.judgement(pending[0].before(1))
        judged = []
        for window in pending:
            judgement = judge.judge(window, self._evidence(window, labels, labelled), subject, before=before)
            told = publish.publish(judgement, self.cloudwatch, now=self.counting.arguments.until)
            store.write_document(judgement_key(window), judgement)
            judged.append(judgement)
            before = judgement
            print(_sentence(judgement) + ("" if told else ", too old for CloudWatch"))  # noqa: T201  # the job's log
        store.write_document("latest.json", judged[-1])
        return judged

    def history(self) -> list[dict[str, Any]]:
        """Return the newest judgements, oldest first."""
        store = self.counting.places.monitoring
        names = sorted(store.names("judgements/"))[-HISTORY:]
        return [document for name in names if (document := store.document(name)) is not None]

    def _subject(self) -> Subject:
        arguments = self.counting.arguments
        return Subject(
            project=arguments.project,
            environment=arguments.environment,
            endpoint=arguments.endpoint,
            metric=arguments.metric,
            limits=arguments.limits,
            live=self.counting.live,
            reference=self.counting.reference,
        )

    def _evidence(self, window: Window, labels: Labels, labelled: Mapping[Window, pa.Table]) -> Evidence:
        waiting, baseline = self.counting.arguments.limits.label_windows, self.counting.reference.baseline
        waited_for = [labelled[window.before(steps)] for steps in reversed(range(waiting))]
        joined = ground_truth.join(pa.concat_tables(waited_for), version=self.counting.live.version)
        name = baseline.subject.target
        target = Layout((baseline.layout.column(name),))
        targets = joined.labels.cast(pa.bool_()) if target.columns[0].type == "boolean" else joined.labels
        known = {one for table in labelled.values() for one in table.column("inference_id").unique().to_pylist()}
        return Evidence(
            span=self.counting.span(window),
            joined=joined,
            targets=arrow_engine.profile_table(pa.table({name: targets}), target),
            unmatched=len(labels.of.keys() - known),
            conflicting=labels.conflicting,
            problems=labels.found(),
        )

    def _labels(self, pending: list[Window]) -> Labels:
        """Read every label that may belong to the answers; the folders tell when they were delivered."""
        store, arguments = self.counting.places.labels, self.counting.arguments
        first = pending[0].before(arguments.limits.label_windows - 1).start
        folders = hour_folders(_midnight(first), _midnight(arguments.until) + timedelta(days=1))
        names = sorted(name for folder in folders for name in store.names(folder) if not name.endswith("/"))
        return ground_truth.read((name, content) for name in names if (content := store.read(name)) is not None)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _sentence(judgement: Mapping[str, Any]) -> str:
    broken = [name.replace("_", " ") for name, breach in judgement["breaches"].items() if breach]
    start, rows = judgement["window"]["start"], judgement["traffic"]["rows"]
    return f"window {start}: {rows} rows, version {judgement['model']['version']}, {', '.join(broken) or 'in order'}"
