"""Compares an object with what the champion was trained on. Change is what retraining is for, so limits are wide."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.steps.contract import Field
from pipelines.steps.profile import ColumnProfile, Profile, Profiler
from pipelines.steps.quality.limits import Limits
from pipelines.steps.quality.problem import Finding, Problem, example_of, judged

FEWEST_ROWS = 100
"""Fewer rows say too little about shares."""


@dataclass
class _Count:
    """Rows with something strange, and the first of their values."""

    rows: int = 0
    example: str | None = None

    def add(self, values: pa.Array, strange: pa.Array) -> None:
        count = pc.sum(strange).as_py() or 0
        if count and self.example is None:
            self.example = example_of(values.filter(strange)[0].as_py())
        self.rows += count


@dataclass
class _Unseen(_Count):
    """Counts texts that the champion never saw."""

    known: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))

    def see(self, values: pa.Array) -> None:
        self.add(values, pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, value_set=self.known))))


@dataclass
class _Outliers(_Count):
    """Counts labels further outside the champion's range than half its width."""

    lower: float = 0.0
    upper: float = 0.0

    def see(self, values: pa.Array) -> None:
        self.add(values, pc.or_(pc.less(values, self.lower), pc.greater(values, self.upper)))


class Comparison:
    """Compares one object, batch by batch, with the champion's training rows."""

    def __init__(self, champion: Profile, fields: Iterable[Field], *, limits: Limits) -> None:
        wanted = tuple(fields)
        self._champion = champion
        self._limits = limits
        self._profiler = Profiler(wanted, label=champion.label)
        self._watched: dict[str, _Unseen | _Outliers] = {}
        for column in wanted:
            reference = champion.columns.get(column.name)
            if reference is None or reference.type != column.type:
                continue
            if column.name == champion.label:
                self._watch_label(column.name, reference)
            elif reference.is_complete:
                self._watched[column.name] = _Unseen(known=pa.array(list(reference.categories), pa.string()))

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the rows of one batch."""
        self._profiler.add(batch)
        for name, count in self._watched.items():
            count.see(batch.column(name))

    def findings(self) -> Iterator[Finding]:
        """Yield how the object differs, as far as it is worth telling."""
        current = self._profiler.profile()
        if current.rows < FEWEST_ROWS:
            return
        for name, column in current.columns.items():
            reference = self._champion.columns.get(name)
            if reference is None or reference.type != column.type:
                continue
            if name == current.label:
                yield from self._label(current, column, reference)
            else:
                yield from self._nulls(name, column.nulls / current.rows, reference, rows=column.nulls)
                yield from self._unseen(name, rows=current.rows)

    def _watch_label(self, name: str, reference: ColumnProfile) -> None:
        lower, upper = reference.minimum, reference.maximum
        if reference.type in ("number", "integer") and isinstance(lower, float) and isinstance(upper, float):
            half = (upper - lower) / 2
            self._watched[name] = _Outliers(lower=lower - half, upper=upper + half)

    def _nulls(self, name: str, share: float, reference: ColumnProfile, *, rows: int) -> Iterator[Finding]:
        limit, usual = self._limits.max_null_increase, reference.nulls / self._champion.rows
        reason = (
            f"is null in {share:.1%} of the rows, against {usual:.1%} when the champion was trained; "
            f"at most {limit:.1%} more are taken"
        )
        yield from judged(share - usual, limit=limit, problem=Problem(name, "nulls", reason, rows))

    def _unseen(self, name: str, *, rows: int) -> Iterator[Finding]:
        found = self._watched.get(name)
        if found is None:
            return
        limit, share = self._limits.max_unseen_share, found.rows / rows
        reason = (
            f"holds values that the champion never saw, such as {found.example!r}, in {share:.1%} of the rows; "
            f"at most {limit:.1%} are taken"
        )
        yield from judged(share, limit=limit, problem=Problem(name, "unseen", reason, found.rows, found.example))

    def _label(self, current: Profile, column: ColumnProfile, reference: ColumnProfile) -> Iterator[Finding]:
        labelled = current.rows - column.nulls
        if labelled < FEWEST_ROWS or reference.sum is None:
            return
        mean, usual = column.mean(current.rows), reference.mean(self._champion.rows)
        deviation = reference.deviation(self._champion.rows)
        if deviation > 0:
            limit, shift = self._limits.max_label_shift, abs(mean - usual) / deviation
            reason = (
                f"is {mean:.4g} on average, against {usual:.4g} when the champion was trained: {shift:.2f} standard "
                f"deviations away, and at most {limit:.2f} are taken"
            )
            yield from judged(shift, limit=limit, problem=Problem(current.label, "label_shift", reason, labelled))
        found = self._watched.get(current.label)
        if found is not None:
            limit, share = self._limits.max_outlier_share, found.rows / labelled
            reason = (
                f"holds {found.example} and the like in {share:.2%} of the rows, far outside of {reference.minimum:g} "
                f"to {reference.maximum:g} when the champion was trained; at most {limit:.2%} are taken"
            )
            problem = Problem(current.label, "label_range", reason, found.rows, found.example)
            yield from judged(share, limit=limit, problem=problem)
