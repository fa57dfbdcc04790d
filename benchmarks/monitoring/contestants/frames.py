"""Both sides as pandas frames, for the contestants that work on nothing else."""

import pandas as pd
from contest import Job
from with_json import instances


def reference(job: Job) -> pd.DataFrame:
    """Return the reference's rows."""
    return pd.concat([pd.read_parquet(file) for file in job.reference_files()], ignore_index=True)


def current(job: Job) -> pd.DataFrame:
    """Return the current rows; those of captured records are read by the standard library."""
    if job.source == "parquet":
        return pd.concat([pd.read_parquet(file) for file in job.current_files()], ignore_index=True)
    names = [*job.numbers, *job.texts]
    frames = [pd.DataFrame.from_records(list(instances(file)), columns=names) for file in job.current_files()]
    return pd.concat(frames, ignore_index=True)
