"""One window of data capture: counted by the baseline, and the answers kept for the labels that come later."""

import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from os import cpu_count
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.steps.drift.baseline import Baseline
from pipelines.steps.failure import StepError
from pipelines.steps.monitor import capture
from pipelines.steps.monitor.answers import ANSWERS, Captured, input_schema
from pipelines.steps.monitor.problems import Problem, problem, summed
from pipelines.steps.monitor.store import Store
from pipelines.steps.monitor.windows import Window, hour_folders
from pipelines.steps.profiling import arrow_engine, counts
from pipelines.steps.profiling.counts import Profile
from pipelines.steps.profiling.layout import Layout

_FORMAT = 1


@dataclass(frozen=True)
class Reference:
    """What the rows of a window are counted by.

    Attributes:
        baseline: of the live version.
        version: the live version; only its answers are held against its baseline.
    """

    baseline: Baseline
    version: str

    @property
    def inputs(self) -> Layout:
        """Bins of the inputs."""
        target = self.baseline.subject.target
        return Layout(tuple(column for column in self.baseline.layout.columns if column.name != target))


@dataclass(frozen=True)
class WindowCounts:
    """A window, or a part of one; parts add up in any order.

    Attributes:
        inputs: every row, by the baseline's bins.
        predictions: those of the live version, by the baseline's bins of predictions.
        files: capture files.
        records: requests.
        mistyped: instances that hold an input in another type, by its name.
        problems: what could not be used.
    """

    inputs: Profile
    predictions: Profile
    files: int = 0
    records: int = 0
    mistyped: Counter[str] = field(default_factory=Counter)
    problems: tuple[Problem, ...] = ()

    def __add__(self, other: "WindowCounts") -> "WindowCounts":
        """Add another part."""
        return WindowCounts(
            inputs=self.inputs + other.inputs,
            predictions=self.predictions + other.predictions,
            files=self.files + other.files,
            records=self.records + other.records,
            mistyped=self.mistyped + other.mistyped,
            problems=summed([*self.problems, *other.problems]),
        )

    def as_document(self) -> dict[str, Any]:
        """Return what :func:`parse` reads."""
        return {
            "format": _FORMAT,
            "inputs": self.inputs.as_document(),
            "predictions": self.predictions.as_document(),
            "files": self.files,
            "records": self.records,
            "mistyped": dict(self.mistyped),
            "problems": [asdict(each) for each in self.problems],
        }

    def as_text(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(self.as_document(), sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Part:
    """What one file tells of a window."""

    counts: WindowCounts
    answers: pa.Table


class Collector(Protocol):
    """Counts one window from the files that may hold its records."""

    def __call__(self, window: Window, store: Store, reference: Reference, *, names: Sequence[str]) -> Part:
        """Return what the window was counted to, and its answers."""


def parse_text(text: str) -> WindowCounts:
    """Read the counts of a window from their JSON.

    Raises:
        StepError: they are none, or of another format.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StepError(f"counts of a window are no JSON: {error}") from error
    return parse(document)


def parse(document: Any) -> WindowCounts:
    """Read the counts of a window.

    Raises:
        StepError: they are none, or of another format.
    """
    try:
        if document["format"] != _FORMAT:
            raise StepError(f"counts of a window have format {document['format']}; this code reads {_FORMAT}")
        return WindowCounts(
            inputs=counts.parse(document["inputs"]),
            predictions=counts.parse(document["predictions"]),
            files=document["files"],
            records=document["records"],
            mistyped=Counter(document["mistyped"]),
            problems=tuple(Problem(**each) for each in document["problems"]),
        )
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise StepError(f"counts of a window cannot be read: {type(error).__name__} {error}") from error


def nothing(reference: Reference) -> WindowCounts:
    """Return the counts of no rows."""
    return WindowCounts(
        inputs=counts.empty(reference.inputs), predictions=counts.empty(reference.baseline.prediction_layout)
    )


def files_of(window: Window, capture_store: Store) -> Iterator[str]:
    """Yield the capture files that may hold records of a window: those of its hours, and of the hour after it.

    A record is written some time after its request, and the folder may be that of the writing.
    """
    for folder in hour_folders(window.start, window.end + timedelta(hours=1)):
        yield from (name for name in capture_store.names(folder) if not name.endswith("/"))


def count_file(content: bytes | None, name: str, *, window: Window, reference: Reference) -> Part:
    """Decode one file and count the records of a window.

    What was wrong with the file counts in the window whose folder it lies in, so that the next one does not count it
    again.
    """
    schema = input_schema(reference.baseline.layout, target=reference.baseline.subject.target)
    is_own = _is_own(name, window)
    if content is None:
        gone = (problem("unreadable", name, "it was listed and is gone"),) if is_own else ()
        return Part(
            WindowCounts(**vars(nothing(reference)) | {"problems": gone, "files": int(is_own)}), ANSWERS.empty_table()
        )
    captured = _within(capture.decode(content, schema, key=name), window)
    answers = captured.answers
    of_live = pc.fill_null(pc.equal(answers.column("version"), reference.version), fill_value=True)
    predictions = answers.filter(of_live).select(["prediction"])
    return Part(
        counts=WindowCounts(
            inputs=arrow_engine.profile_table(captured.inputs, reference.inputs),
            predictions=arrow_engine.profile_table(predictions, reference.baseline.prediction_layout),
            files=int(is_own),
            records=captured.records,
            mistyped=captured.mistyped if is_own else Counter(),
            problems=captured.problems if is_own else (),
        ),
        answers=answers,
    )


def merged(parts: Iterable[Part], reference: Reference) -> Part:
    """Put the parts of a window together; the answers in an order that does not depend on how they came."""
    total, tables = nothing(reference), [ANSWERS.empty_table()]
    for part in parts:
        total += part.counts
        tables.append(part.answers)
    order = [(name, "ascending") for name in ("moment", "inference_id", "index", "prediction")]
    return Part(counts=total, answers=pa.concat_tables(tables).sort_by(order))


def collect(window: Window, store: Store, reference: Reference, *, names: Sequence[str]) -> Part:
    """Count a window with the embedded engine, several files at a time."""

    def one(name: str) -> Part:
        return count_file(store.read(name), name, window=window, reference=reference)

    with ThreadPoolExecutor(2 * (cpu_count() or 1)) as pool:
        return merged(pool.map(one, names), reference)


def pack(answers: pa.Table) -> bytes:
    """Return answers as a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(answers, buffer, compression="zstd")
    return buffer.getvalue()


def unpack(content: bytes) -> pa.Table:
    """Read what :func:`pack` wrote.

    Raises:
        StepError: it is no such file.
    """
    try:
        return pq.read_table(io.BytesIO(content)).cast(ANSWERS)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise StepError(f"kept answers cannot be read: {type(error).__name__} {error}") from error


def _is_own(name: str, window: Window) -> bool:
    folder = name.rpartition("/")[0] + "/"
    return any(folder.startswith(own) for own in hour_folders(window.start, window.end))


def _within(captured: Captured, window: Window) -> Captured:
    moments = captured.answers.column("moment")
    kind = moments.type
    inside = pc.and_(
        pc.greater_equal(moments, pa.scalar(window.start, kind)), pc.less(moments, pa.scalar(window.end, kind))
    )
    answers = captured.answers.filter(inside)
    return Captured(
        inputs=captured.inputs.filter(inside),
        answers=answers,
        # A request without instances is refused, so every record has exactly one first row.
        records=pc.sum(pc.equal(answers.column("index"), 0)).as_py() or 0,
        mistyped=captured.mistyped,
        problems=captured.problems,
    )
