"""Only a better model goes live: challengers of all kinds against the champion, through the deployed events.

A deployment of its own, since the live version changes here.
"""

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import recorded_calls
from deployed_loop import DATA, PROJECT, STAGE, Loop
from lost_events import RUN_ENDED, events_are_lost

from lambdas.shared.records import LiveModel, Run, RunStatus
from sandbox.server import Sandbox

pytestmark = pytest.mark.loop

SHUFFLE_SEED = 2013


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory, loop: Loop, drops: Mapping[str, Path]) -> Iterator[Loop]:
    """The same templates as the shared deployment, in a sandbox of their own."""
    assembly = loop.sandbox.directory.path / "cdk.out"
    with Sandbox(tmp_path_factory.mktemp("court"), enforce_iam=True) as sandbox:
        deployment = sandbox.deploy(PROJECT, assembly=assembly)
        outputs = {key: value for stack in deployment.outputs.values() for key, value in stack.items()}
        yield Loop(sandbox=sandbox, outputs=outputs, drops=drops)
        recorded_calls.check_all(sandbox, stage=STAGE)


def test_only_a_better_model_replaces_the_champion(court: Loop) -> None:
    court.drop("2013-01")
    court.drop("2013-02")
    first = court.wait_for("the first model to be live", court.ledger.live)
    court.wait_for_end_of(f"{DATA}period=2013-0")

    # Nobody hears of the end of this run: the next drop finds it, closes it, and gets a run of its own.
    with events_are_lost(court, RUN_ENDED, about=court.outputs["TrainingPipelineName"]):
        ended = _retrain_with_another_seed(court)
        court.drop("2013-01", _with_shuffled_labels(court.drops["2013-01"]), name="shuffled.parquet")
        court.remove(f"{DATA}period=2013-01/flights.parquet")
        other_seed = court.wait_for("the run with another seed to be closed", lambda: _closed(court, ended))
    assert other_seed.status is RunStatus.KEPT_CHAMPION
    assert _decision(court, other_seed)["champion"]["package_arn"] == first.package_arn

    shuffled = court.wait_for_end_of("shuffled.parquet")
    assert shuffled.status is RunStatus.KEPT_CHAMPION
    assert court.serving_config() == first.endpoint_config

    court.remove(f"{DATA}period=2013-01/shuffled.parquet")
    for period in ("2013-01", "2013-03", "2013-04", "2013-05"):
        court.drop(period)
    spring = court.wait_for("the end of the run on spring data", lambda: _promoted_after(court, first.version))
    assert _decision(court, spring)["gate"]["promote"]
    assert _decision(court, spring)["comparison"]["lower_bound"] > _decision(court, spring)["comparison"]["margin"]
    live = court.wait_for("the better model to be live", lambda: _live_after(court, first.version))
    assert live.version == spring.version
    assert live.endpoint_config == court.serving_config()

    for run in (other_seed, shuffled, spring):
        assert "<html" in _stored(court, run, "evaluation.html")
    code, answer = court.reproduce(first.version)
    assert code == 0, answer["differences"]
    assert answer["identical"]


def _retrain_with_another_seed(court: Loop) -> Run:
    """What deploying another seed and asking for a run does, as far as SageMaker tells."""
    sagemaker, name = court.client("sagemaker"), court.outputs["TrainingPipelineName"]
    pipeline = sagemaker.describe_pipeline(PipelineName=name)
    definition = json.loads(pipeline["PipelineDefinition"])
    (seed,) = [each for each in definition["Parameters"] if each["Name"] == "Seed"]
    original, seed["DefaultValue"] = seed["DefaultValue"], "1"
    sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=json.dumps(definition), RoleArn=pipeline["RoleArn"])
    detail = {"reason": "another seed", "requested_by": "test"}
    court.request(json.dumps({"source": "tandem", "detail-type": "Retrain Requested", "detail": detail}))
    run = court.wait_for("the execution with another seed to succeed", lambda: _succeeded(court, "another seed"))
    assert run.status.is_open
    seed["DefaultValue"] = original
    sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=json.dumps(definition), RoleArn=pipeline["RoleArn"])
    return run


def _succeeded(court: Loop, reason: str) -> Run | None:
    run = next((run for run in court.runs() if reason in run.reason and run.execution_arn), None)
    if run is None:
        return None
    found = court.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=run.execution_arn)
    return run if found["PipelineExecutionStatus"] == "Succeeded" else None


def _closed(court: Loop, run: Run) -> Run | None:
    found = court.ledger.run(run.run_id)
    return found if found and not found.status.is_open else None


def _with_shuffled_labels(drop: Path) -> bytes:
    rows = pq.ParquetFile(drop).read()
    order = np.random.default_rng(SHUFFLE_SEED).permutation(len(rows))
    index = rows.schema.get_field_index("air_time")
    column = pa.chunked_array([rows.column("air_time").combine_chunks().take(pa.array(order))])
    body = io.BytesIO()
    pq.write_table(rows.set_column(index, rows.schema.field(index), column), body)
    return body.getvalue()


def _decision(court: Loop, run: Run) -> dict[str, dict[str, float]]:
    document: dict[str, dict[str, float]] = json.loads(_stored(court, run, "evaluation.json"))
    return document


def _stored(court: Loop, run: Run, name: str) -> str:
    key = f"runs/{run.run_id}/evaluate/{name}"
    answer = court.client("s3").get_object(Bucket=court.outputs["ArtifactsBucketName"], Key=key)
    return str(answer["Body"].read().decode())


def _promoted_after(court: Loop, version: int) -> Run | None:
    return next((run for run in court.runs() if run.version and run.version > version), None)


def _live_after(court: Loop, version: int) -> LiveModel | None:
    live = court.ledger.live()
    return live if live and live.version > version else None
