"""The step itself: judges the windows that are over, oldest first, and tells.

Safe to run twice, late or out of order: a judged window is not judged again, windows that were missed are caught up
with, and what a window was counted to stands at a key of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipelines.steps.monitor import ground_truth, judge, publish
from pipelines.steps.monitor.counting import Counting, judgement_key
from pipelines.steps.monitor.ground_truth import Delivery, Labels
from pipelines.steps.monitor.judge import Evidence, Subject
from pipelines.steps.monitor.windows import Window, hour_folders
from pipelines.steps.profiling import arrow_engine
from pipelines.steps.profiling.layout import Layout
from pipelines.steps.report.timeline import MOST_WINDOWS

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient


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
        self.counting.prepare(pending)
        labelled = {
            window: ground_truth.label(self.counting.answers(window), labels)
            for window in self.counting.waited_for(pending)
        }
        unmatched = labels.unmatched(_ids(labelled.values()))
        before = self.counting.judgement(pending[0].before(1))
        judged: list[dict[str, Any]] = []
        for window in pending:
            delivery = Delivery.of(window, labels, unmatched)
            judged.append(judge.judge(window, self._evidence(window, delivery, labelled), subject, before=before))
            before = judged[-1]
            print(_sentence(before))  # noqa: T201  # the job's log
        # Told before it is recorded: a crash in between tells it again, the other order could leave it untold.
        told = publish.publish(judged, self.cloudwatch, now=self.counting.arguments.until)
        print(f"{len(judged)} windows judged, {told} of them young enough for CloudWatch")  # noqa: T201  # the same
        store = self.counting.places.monitoring
        store.write_documents({judgement_key(window): one for window, one in zip(pending, judged, strict=True)})
        store.write_document("latest.json", judged[-1])
        return judged

    def history(self, judged: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the judgements that a report looks back on, oldest first; the last ones were just made."""
        store = self.counting.places.monitoring
        names = sorted(store.names("judgements/"))[: -len(judged)]
        wanted = max(0, MOST_WINDOWS - len(judged))
        earlier = store.documents(names[len(names) - wanted :] if len(names) > wanted else names)
        return [*(document for document in earlier if document is not None), *judged[-MOST_WINDOWS:]]

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

    def _evidence(self, window: Window, delivery: Delivery, labelled: Mapping[Window, pa.Table]) -> Evidence:
        waiting, baseline = self.counting.arguments.limits.label_windows, self.counting.reference.baseline
        waited_for = [labelled[window.before(steps)] for steps in reversed(range(waiting))]
        joined = ground_truth.join(pa.concat_tables(waited_for), version=self.counting.live.version)
        name = baseline.subject.target
        target = Layout((baseline.layout.column(name),))
        targets = joined.labels.cast(pa.bool_()) if target.columns[0].type == "boolean" else joined.labels
        return Evidence(
            span=self.counting.span(window),
            joined=joined,
            targets=arrow_engine.profile_table(pa.table({name: targets}), target),
            delivery=delivery,
        )

    def _labels(self, pending: list[Window]) -> Labels:
        """Read every label that may belong to the answers; the folders tell when they were delivered."""
        store, arguments = self.counting.places.labels, self.counting.arguments
        first = pending[0].before(arguments.limits.label_windows - 1).start
        folders = hour_folders(_midnight(first), _midnight(arguments.until) + timedelta(days=1))
        names = sorted(name for folder in folders for name in store.names(folder) if not name.endswith("/"))
        contents = zip(names, store.read_all(names), strict=True)
        return ground_truth.read((name, content) for name, content in contents if content is not None)


def _ids(answers: Iterable[pa.Table]) -> set[str]:
    return {one for table in answers for one in table.column("inference_id").unique().to_pylist()}


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _sentence(judgement: Mapping[str, Any]) -> str:
    broken = [name.replace("_", " ") for name, breach in judgement["breaches"].items() if breach]
    start, rows = judgement["window"]["start"], judgement["traffic"]["rows"]
    return f"window {start}: {rows} rows, version {judgement['model']['version']}, {', '.join(broken) or 'in order'}"
