"""Looks at one object while it is read, beyond what the contract says of single values."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.steps.contract import Field
from pipelines.steps.profile import Profile
from pipelines.steps.quality import duplicates
from pipelines.steps.quality.leakage import Sample
from pipelines.steps.quality.limits import Limits
from pipelines.steps.quality.problem import Finding, Problem
from pipelines.steps.quality.shift import Comparison


@dataclass(frozen=True)
class Rules:
    """What every object is held against.

    Attributes:
        fields: columns of a drop.
        target: column to predict.
        time_column: column that orders the rows.
        champion: profile of the champion's training rows, if there is one.
        limits: how far data may stray.
    """

    fields: tuple[Field, ...]
    target: str
    time_column: str
    champion: Profile | None
    limits: Limits


class Inspection:
    """One object. What stays of a row are the 8 bytes of its hash; all else is bounded.

    Attributes:
        labels: the smallest and the largest label, ``None`` without any.
    """

    def __init__(self, rules: Rules, *, latest: datetime) -> None:
        """``latest`` is the latest moment that a row may carry."""
        self._rules = rules
        self._latest = latest
        taken = {rules.target, rules.time_column}
        self._sample = Sample(
            inputs=[column.name for column in rules.fields if column.name not in taken], target=rules.target
        )
        self._comparison = (
            None if rules.champion is None else Comparison(rules.champion, rules.fields, limits=rules.limits)
        )
        self._hashes: list[duplicates.Hashes] = []
        self._late_rows = 0
        self._newest: datetime | None = None
        self.labels: tuple[Any, Any] | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Look at one batch, in canonical types."""
        self._sample.add(batch)
        if self._comparison is not None:
            self._comparison.add(batch)
        self._hashes.append(duplicates.hashes(batch))
        self._see_time(batch.column(self._rules.time_column))
        self._see_labels(batch.column(self._rules.target))

    @property
    def hashes(self) -> duplicates.Hashes:
        """The hashes of the object's rows, in their order."""
        return np.concatenate([np.zeros(0, dtype=np.uint64), *self._hashes])

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong or worth a warning; to be called when every batch was added."""
        if self._late_rows:
            example = f"{self._newest:%Y-%m-%dT%H:%M:%SZ}"
            reason = (
                f"lies in the future in {self._late_rows} rows, up to {example}; it must not be later than "
                f"{self._latest:%Y-%m-%dT%H:%M:%SZ}, {self._rules.limits.future_hours} hours after the period's end "
                "or the start of the run"
            )
            yield Finding(Problem(self._rules.time_column, "future", reason, self._late_rows, example), refuses=True)
        limit = self._rules.limits.max_target_correlation
        for name, correlation, rows in self._sample.correlations():
            if correlation >= limit:
                reason = (
                    f"gives the target {self._rules.target!r} away: their rank correlation is {correlation:.4f} in "
                    f"{rows} rows, and it must be below {limit}"
                )
                yield Finding(Problem(name, "leakage", reason, rows), refuses=True)
        if self._comparison is not None:
            yield from self._comparison.findings()

    def _see_time(self, moments: pa.Array) -> None:
        late = pc.sum(pc.greater(moments, pa.scalar(self._latest, moments.type))).as_py() or 0
        if late:
            newest = pc.max(moments).as_py()
            self._newest = newest if self._newest is None else max(self._newest, newest)
            self._late_rows += late

    def _see_labels(self, labels: pa.Array) -> None:
        if labels.null_count == len(labels):
            return
        found = pc.min_max(labels).as_py()
        lower, upper = (found["min"], found["max"]) if self.labels is None else self.labels
        self.labels = (min(lower, found["min"]), max(upper, found["max"]))
