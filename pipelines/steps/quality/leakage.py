"""Finds inputs that give the target away: they equal it, or put the rows into the same order."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Numbers = npt.NDArray[np.float64]

SAMPLED_ROWS = 50_000
_FEWEST_ROWS = 100
_FEWEST_OF_A_CLASS = 30
_MOST_CATEGORIES = 50
_BINARY = 2


class Sample:
    """Every n-th row of an object, ``n`` doubling as rows come in: memory is bounded, and a replay sees the same."""

    def __init__(self, *, inputs: Sequence[str], target: str) -> None:
        self._inputs = inputs
        self._target = target
        self._every = 1
        self._seen = 0
        self._rows: pa.Table | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next batch of the object."""
        first = -self._seen % self._every
        self._seen += len(batch)
        taken = pa.Table.from_batches([batch]).take(np.arange(first, len(batch), self._every))
        self._rows = taken if self._rows is None else pa.concat_tables([self._rows, taken])
        while len(self._rows) > SAMPLED_ROWS:
            self._rows = self._rows.take(np.arange(0, len(self._rows), 2))
            self._every *= 2

    def correlations(self) -> Iterator[tuple[str, float, int]]:
        """Yield every input's rank correlation with the target, from 0 to 1, and the rows that it was told from."""
        if self._rows is None:
            return
        rows = self._rows.filter(pc.is_valid(self._rows.column(self._target)))
        target = _numbers(rows.column(self._target))
        if target is None:
            return
        for name in self._inputs:
            values = rows.column(name)
            known = pc.is_valid(values).to_numpy()
            numbers = _numbers(values.filter(pa.array(known)), target=target[known])
            if numbers is not None and len(numbers) >= _FEWEST_ROWS:
                yield name, association(numbers, target[known]), len(numbers)


def association(left: Numbers, right: Numbers) -> float:
    """Return how completely one column orders the other: 1 when one can be told from the other, 0 when not at all.

    Spearman's rank correlation; with two values only on one side |2 AUC - 1|, which reaches 1 there and Spearman's
    does not.
    """
    for classes, values in ((right, left), (left, right)):
        distinct, counts = np.unique(classes, return_counts=True)
        if len(distinct) < _BINARY:
            return 0.0
        if len(distinct) == _BINARY:
            if counts.min() < _FEWEST_OF_A_CLASS:
                return 0.0
            upper = classes == distinct[1]
            positives, negatives = float(upper.sum()), float((~upper).sum())
            area = (_ranks(values)[upper].sum() - positives * (positives + 1) / 2) / (positives * negatives)
            return abs(2 * float(area) - 1)
    return abs(float(np.corrcoef(_ranks(left), _ranks(right))[0, 1]))


def _ranks(values: Numbers) -> Numbers:
    """Rank from 1; ties share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Numbers = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks


def _numbers(values: pa.ChunkedArray, *, target: Numbers | None = None) -> Numbers | None:
    """Return a column as numbers; a few texts become the mean of the target with each, many texts nothing."""
    if pa.types.is_string(values.type):
        encoded = pc.dictionary_encode(values).unify_dictionaries().combine_chunks()
        if target is None or len(encoded) == 0 or len(encoded.dictionary) > _MOST_CATEGORIES:
            return None
        codes = encoded.indices.to_numpy()
        means: Numbers = (np.bincount(codes, weights=target) / np.bincount(codes))[codes]
        return means
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    numbers: Numbers = values.cast(pa.float64(), safe=False).to_numpy()
    return numbers
