"""Features of a flight: only what is known before it departs, the weather at its scheduled hour, and the plane.

A value that is unknown stays unknown (not-a-number), which XGBoost handles as such.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

NUMBERS = (
    "distance",
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
    "plane_year",
    "seats",
)
CODES = ("origin", "dest", "carrier")
NAMES = (*CODES, "minute_of_day", "day_of_week", *NUMBERS)

_MINUTES_PER_DAY = 24 * 60
_DAYS_FROM_MONDAY_TO_EPOCH = 3


def build(rows: pa.Table) -> npt.NDArray[np.float32]:
    """Return one row of features per flight, in the order of :data:`NAMES`."""
    minute = _minute_of_day(rows)
    columns = [
        *(_code(rows.column(name)) for name in CODES),
        minute,
        _day_of_week(rows, minute),
        *(_number(rows.column(name)) for name in NUMBERS),
    ]
    return np.column_stack(columns).astype(np.float32)


def _number(values: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    # Arrow gives what is unknown as not-a-number, of integers as well ("NumPy Integration", Apache Arrow).
    number: npt.NDArray[np.float64] = values.to_numpy().astype(np.float64, copy=False)
    return number


def _code(values: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Number an IATA code by its letters, base 36: alphabetical, free of state, and defined for codes never seen."""
    encoded = pc.dictionary_encode(values).combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().chunk(0)
    numbers = np.array([int(text, 36) for text in encoded.dictionary.to_pylist()], dtype=np.float64)
    taken: npt.NDArray[np.float64] = numbers[encoded.indices.to_numpy()]
    return taken


def _minute_of_day(rows: pa.Table) -> npt.NDArray[np.int64]:
    clock: npt.NDArray[np.int64] = rows.column("sched_dep_time").to_numpy()
    return clock // 100 * 60 + clock % 100


def _day_of_week(rows: pa.Table, minute: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the local weekday, Monday 0.

    ``time_hour`` is UTC and ``sched_dep_time`` local; New York is behind UTC, so their difference within a day is the
    offset of that day, daylight saving time included, without any table of time zones.
    """
    utc = rows.column("time_hour").cast(pa.int64()).to_numpy() // 60_000_000
    behind = (utc - minute // 60 * 60) % _MINUTES_PER_DAY
    local_day = (utc - behind) // _MINUTES_PER_DAY
    weekday: npt.NDArray[np.int64] = (local_day + _DAYS_FROM_MONDAY_TO_EPOCH) % 7
    return weekday
