"""Features of a flight: only what is known before it departs, the weather at its scheduled hour, and the plane.

A value that is unknown stays unknown (not-a-number), which XGBoost handles as such.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

CODES = ("origin", "dest", "carrier")
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
NAMES = ("minute_of_day", "day_of_week", *CODES, *NUMBERS)

_HOURS_PER_DAY = 24
_MICROSECONDS_PER_HOUR = 3_600_000_000
_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday; Monday is 0."""

Column = npt.NDArray[np.float64]


def build(rows: pa.Table) -> npt.NDArray[np.float32]:
    """Return one row of features per flight, in the order of :data:`NAMES`."""
    columns = [
        *_schedule(rows),
        *(_letters(rows.column(name)) for name in CODES),
        *(_number(rows.column(name)) for name in NUMBERS),
    ]
    return np.column_stack(columns).astype(np.float32)


def _schedule(rows: pa.Table) -> tuple[Column, Column]:
    """Return the minute of the day and the weekday at the airport.

    The scheduled hour comes twice, local and in UTC. New York is behind UTC, so their difference within a day is the
    offset of that day, daylight saving time included.
    """
    local_clock = rows.column("sched_dep_time").to_numpy()
    utc_hour = rows.column("time_hour").cast(pa.int64()).to_numpy() // _MICROSECONDS_PER_HOUR
    behind = (utc_hour - local_clock // 100) % _HOURS_PER_DAY
    weekday = ((utc_hour - behind) // _HOURS_PER_DAY + _EPOCH_WEEKDAY) % 7
    minute = local_clock // 100 * 60 + local_clock % 100
    return minute.astype(np.float64), weekday.astype(np.float64)


def _letters(codes: pa.ChunkedArray) -> Column:
    """Number a code by its letters, base 36, so that one never seen has a number too."""
    distinct = pc.unique(codes)
    numbers = pa.array([float(int(text, 36)) for text in distinct.to_pylist()])
    numbered: Column = numbers.take(pc.index_in(codes, value_set=distinct).combine_chunks()).to_numpy()
    return numbered


def _number(values: pa.ChunkedArray) -> Column:
    # Arrow gives what is unknown as not-a-number, of integers as well ("NumPy Integration", Apache Arrow).
    number: Column = values.to_numpy().astype(np.float64, copy=False)
    return number
