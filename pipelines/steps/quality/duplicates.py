"""Finds rows that occur more than once in a snapshot, within an object or across objects, from 8 bytes a row."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]

_NULL = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass(frozen=True)
class Repetition:
    """Rows of one object that equal an earlier row.

    Attributes:
        rows: how many.
        source: number of the object that holds the row first, for the first of them.
    """

    rows: int
    source: int


def hashes(batch: pa.RecordBatch) -> Hashes:
    """Return one number per row that equal rows share, whatever process computes it.

    Different rows share one by accident with a probability of 2^-64 per pair: ten million rows are all told apart
    with 99.9997 %.
    """
    mixed = np.zeros(len(batch), dtype=np.uint64)
    for column in batch.columns:
        mixed = _mix(mixed ^ _bits(column))
    return mixed


def repetitions(objects: Sequence[Hashes]) -> Iterator[tuple[int, Repetition]]:
    """Yield the number of every object that repeats rows; what comes first in the order of the objects is original."""
    if not objects:
        return
    everything = np.concatenate(objects)
    ends = np.cumsum([len(part) for part in objects])
    order = np.argsort(everything, kind="stable")
    equals_previous = np.flatnonzero(everything[order[1:]] == everything[order[:-1]])
    repeated, previous = order[equals_previous + 1], order[equals_previous]
    owner = np.searchsorted(ends, repeated, side="right")
    for number, count in zip(*np.unique(owner, return_counts=True), strict=True):
        first = np.flatnonzero(owner == number)[0]
        source = int(np.searchsorted(ends, previous[first], side="right"))
        yield int(number), Repetition(rows=int(count), source=source)


def _bits(values: pa.Array) -> Hashes:
    if pa.types.is_string(values.type):
        encoded = values.dictionary_encode()
        numbers = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in encoded.dictionary.to_pylist()]
        table = np.append(np.frombuffer(b"".join(numbers), dtype="<u8"), _NULL)
        taken: Hashes = table[pc.fill_null(encoded.indices, len(numbers)).to_numpy()]
        return taken
    if pa.types.is_floating(values.type):
        bits: Hashes = (pc.fill_null(values, 0.0).to_numpy() + 0.0).view(np.uint64)  # adding turns -0.0 into 0.0
    else:
        whole = values.cast(pa.int8()) if pa.types.is_boolean(values.type) else values
        bits = pc.fill_null(whole.cast(pa.int64()), 0).to_numpy().view(np.uint64)
    missing = values.is_null().to_numpy(zero_copy_only=False)
    return np.where(missing, _NULL, bits)


def _mix(numbers: Hashes) -> Hashes:
    """Spread every bit over all others (splitmix64, Steele, Lea and Flood 2014)."""
    numbers = numbers + _NULL
    numbers = (numbers ^ (numbers >> np.uint64(30))) * _MULTIPLIERS[0]
    numbers = (numbers ^ (numbers >> np.uint64(27))) * _MULTIPLIERS[1]
    return numbers ^ (numbers >> np.uint64(31))
