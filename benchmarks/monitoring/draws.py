"""How the values of a column come about: as they occur, and the same every time.

Half of the numbers are measurements with all their digits, the rest amounts, prices and counts. Of the texts, the
frequent ones are far more frequent than the rare ones.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.monitoring.columns import Column


def draw(column: Column, random: np.random.Generator, *, rows: int, is_shifted: bool) -> pa.Array:
    """Return the values of some rows; texts as a dictionary."""
    values = _values(column, random, rows=rows, is_shifted=is_shifted)
    if column.missing:
        return _without(values, random.random(rows, np.float32) < column.missing)
    return values


def _values(column: Column, random: np.random.Generator, *, rows: int, is_shifted: bool) -> pa.Array:
    match column.draw:
        case "measurement":
            return pa.array(random.standard_normal(rows) * 4 + (21.5 if is_shifted else 20))
        case "amount":
            return pa.array(np.exp(random.standard_normal(rows) * (1.3 if is_shifted else 1.0) + 3))
        case "price":
            return pa.array(np.round(random.standard_exponential(rows) * (60 if is_shifted else 40), 2))
        case "count":
            return pa.array((random.standard_exponential(rows) * (9 if is_shifted else 6)).astype(np.int64))
        case "category":
            return _categories(column, random, rows=rows, is_shifted=is_shifted)


def _categories(column: Column, random: np.random.Generator, *, rows: int, is_shifted: bool) -> pa.Array:
    letter = "abcdefghij"[int(column.name[-2:]) - 1]
    words = pa.array([f"{letter * (2 + word % 7)}-{word}" for word in range(column.categories)])
    weights = 1 / np.arange(1, column.categories + 1) ** (0.7 if is_shifted else 1.0)
    reached = np.cumsum(weights / weights.sum())[:-1]
    chosen = np.searchsorted(reached, random.random(rows, np.float32)).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(chosen), words)


def _without(values: pa.Array, missing: npt.NDArray[np.bool_]) -> pa.Array:
    if not pa.types.is_dictionary(values.type):
        return pa.array(values.to_numpy(), mask=missing)
    return pa.DictionaryArray.from_arrays(pa.array(values.indices.to_numpy(), mask=missing), values.dictionary)
