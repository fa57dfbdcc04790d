"""Evidently's data drift preset: Jensen-Shannon distance of every column, or what it chooses by itself."""

import warnings

import frames
from contest import Answer, Job
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset


def solve(job: Job) -> Answer:
    """Run the report; the variant ``default`` leaves the choice of the statistic to Evidently."""
    warnings.simplefilter("ignore")
    rows = frames.current(job)
    definition = DataDefinition(numerical_columns=list(job.numbers), categorical_columns=list(job.texts))
    reference = Dataset.from_pandas(frames.reference(job), data_definition=definition)
    current = Dataset.from_pandas(rows, data_definition=definition)
    preset = DataDriftPreset() if job.variant == "default" else DataDriftPreset(method="jensenshannon")
    found = Report([preset]).run(current, reference).dict()["metrics"]
    columns = [metric for metric in found if metric["config"]["type"].endswith(":ValueDrift")]
    limits = {metric["config"]["column"]: metric["config"]["threshold"] for metric in columns}
    distances = {metric["config"]["column"]: float(metric["value"]) for metric in columns}
    drifted = [name for name, distance in distances.items() if distance > limits[name]]
    return Answer(rows=len(rows), distances=distances, drifted=drifted)
