"""Baselines as Evaluate writes them."""

import pyarrow as pa

from pipelines.steps.contract import Field
from pipelines.steps.drift.baseline import HeldOut, Subject, measure


def baseline() -> bytes:
    """A baseline as Evaluate writes it: three flights, one of them without seats."""
    fields = [
        Field("sched_dep_time", "integer"),
        Field("distance", "integer"),
        Field("origin", "string"),
        Field("seats", "integer", nullable=True),
        Field("air_time", "number"),
    ]
    rows = pa.table(
        {
            "sched_dep_time": pa.array([600, 1200, 1800], pa.int64()),
            "distance": pa.array([200, 1000, 2500], pa.int64()),
            "origin": ["JFK", "JFK", "LGA"],
            "seats": pa.array([100, 200, None], pa.int64()),
            "air_time": [60.0, 120.0, 300.0],
        }
    )
    numbers = pa.array([60.0, 120.0, 300.0]).to_numpy()
    held_out = HeldOut(target=numbers, prediction=numbers, intervals={})
    subject = Subject(project="flights", task="regression", target="air_time", snapshot_id="5")
    return measure(rows, fields, held_out, subject).as_text().encode()
