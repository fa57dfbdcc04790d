"""Runs that never end by themselves, in the deployed loop: stopped at the limit of a job, stopped at their own, told.

The deployment is shared: the pipeline that these tests change is put back, and nothing of it goes live.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from deployed_loop import PROJECT, FirstModel, Loop
from lost_events import RUN_ENDED, events_are_lost
from watched_stage import Mail, WatchedStage

from lambdas.shared.records import Run, RunStatus
from sandbox.demo.cloud import Cloud
from stacks.settings import load_projects, select

pytestmark = pytest.mark.loop

SLEEP = ["python3", "-c", "import time; time.sleep(86400)"]
SHORTEST_SECONDS = 1
BETWEEN_LOOKS = timedelta(
    minutes=select(load_projects(Path(__file__).parents[2]), project=PROJECT, environment="sandbox")[
        0
    ].training.watch_minutes
)


@pytest.fixture(scope="module")
def watched(loop: Loop, first_model: FirstModel) -> WatchedStage:
    """The shared stage, with an inbox that receives what people are told."""
    del first_model  # only has to be live
    stage = WatchedStage(loop, Cloud(loop.sandbox.endpoint_url, PROJECT, "sandbox", loop.sandbox.directory.logs))
    stage.subscribe()
    return stage


@contextmanager
def a_step_that_never_ends(loop: Loop, name: str, **stopping: int) -> Iterator[None]:
    """Deploy a pipeline in which the job of a step sleeps; afterwards the former one is there again."""
    sagemaker, pipeline = loop.client("sagemaker"), loop.outputs["TrainingPipelineName"]
    known = sagemaker.describe_pipeline(PipelineName=pipeline)
    definition = json.loads(known["PipelineDefinition"])
    (arguments,) = (step["Arguments"] for step in definition["Steps"] if step["Name"] == name)
    arguments["AlgorithmSpecification" if name == "Train" else "AppSpecification"]["ContainerEntrypoint"] = SLEEP
    arguments["StoppingCondition"].update(stopping)
    update = {"PipelineName": pipeline, "RoleArn": known["RoleArn"]}
    sagemaker.update_pipeline(**update, PipelineDefinition=json.dumps(definition))
    try:
        yield
    finally:
        sagemaker.update_pipeline(**update, PipelineDefinition=known["PipelineDefinition"])


@contextmanager
def without_the_monitor(loop: Loop) -> Iterator[None]:
    """Switch its schedule off: time that is moved forward is none of its business here."""
    scheduler = loop.client("scheduler")
    (name,) = (
        each for each in scheduler.list_schedules()["Schedules"] if "startPipelineExecution" in each["Target"]["Arn"]
    )
    schedule = scheduler.get_schedule(Name=name["Name"], GroupName=name["GroupName"])
    members = ("Name", "GroupName", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target")
    unchanged = {member: schedule[member] for member in members}
    scheduler.update_schedule(**unchanged, State="DISABLED")
    try:
        yield
    finally:
        scheduler.update_schedule(**unchanged, State="ENABLED")


@contextmanager
def one_step_that_never_ends(loop: Loop, pipeline: str, step: str) -> Iterator[str]:
    """Leave one step of a pipeline, which sleeps and waits for no other; yields an execution that runs it."""
    sagemaker = loop.client("sagemaker")
    known = sagemaker.describe_pipeline(PipelineName=pipeline)
    definition = json.loads(known["PipelineDefinition"])
    definition["Steps"] = [each for each in definition["Steps"] if each["Name"] == step]
    arguments = definition["Steps"][0]["Arguments"]
    arguments["AlgorithmSpecification" if step == "Train" else "AppSpecification"]["ContainerEntrypoint"] = SLEEP
    if step == "Train":
        arguments["InputDataConfig"] = [each for each in arguments["InputDataConfig"] if each["ChannelName"] == "code"]
    asked = [each["Name"] for each in definition["Parameters"] if "DefaultValue" not in each]
    update = {"PipelineName": pipeline, "RoleArn": known["RoleArn"]}
    sagemaker.update_pipeline(**update, PipelineDefinition=json.dumps(definition))
    try:
        started = sagemaker.start_pipeline_execution(
            PipelineName=pipeline, PipelineParameters=[{"Name": name, "Value": "stopped"} for name in asked]
        )
        yield str(started["PipelineExecutionArn"])
    finally:
        sagemaker.update_pipeline(**update, PipelineDefinition=known["PipelineDefinition"])


def ask(loop: Loop, reason: str) -> None:
    detail = {"reason": reason, "requested_by": "test"}
    loop.request(json.dumps({"source": "tandem", "detail-type": "Retrain Requested", "detail": detail}))


def job_of(loop: Loop, reason: str, step: str) -> dict[str, Any] | None:
    """What SageMaker says of the job of a step, in the run because of a reason, once it was started."""
    run = next((run for run in loop.runs() if reason in run.reason), None)
    return None if run is None or run.execution_arn is None else job_in(loop, run.execution_arn, step)


def job_in(loop: Loop, execution: str, step: str) -> dict[str, Any] | None:
    """What SageMaker says of the job of a step of an execution, once it was started."""
    listed = loop.client("sagemaker").list_pipeline_execution_steps(PipelineExecutionArn=execution)
    for each in listed["PipelineExecutionSteps"]:
        for kind, metadata in each.get("Metadata", {}).items():
            if each["StepName"] == step and kind in {"ProcessingJob", "TrainingJob"}:
                name = metadata["Arn"].rpartition("/")[2]
                describe = {
                    "ProcessingJob": loop.client("sagemaker").describe_processing_job,
                    "TrainingJob": loop.client("sagemaker").describe_training_job,
                }[kind]
                return dict(describe(**{f"{kind}Name": name}))
    return None


def told(watched: WatchedStage, subject: str, run: Run) -> Mail:
    return watched.loop.wait_for(
        f"the mail {subject!r}",
        lambda: next((one for one in watched.mails() if subject in one.subject and run.run_id in one.text), None),
    )


def test_a_training_job_that_never_ends_is_stopped_at_its_limit_and_its_run_closed_and_told(
    watched: WatchedStage, first_model: FirstModel
) -> None:
    loop, reason = watched.loop, "a training job without an end"
    with a_step_that_never_ends(loop, "Train", MaxRuntimeInSeconds=SHORTEST_SECONDS):
        ask(loop, reason)
        run = loop.wait_for_end_of(reason)

    job = job_of(loop, reason, "Train")
    assert job is not None
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": SHORTEST_SECONDS}
    assert run.status is RunStatus.FAILED
    assert (run.failure or "").startswith("step Train: ")
    assert (run.stop_reason, run.version) == (None, None)
    assert str(run.failure) in told(watched, "Training failed", run).text
    assert loop.serving_config() == first_model.live.endpoint_config


def test_a_run_that_hangs_is_stopped_at_its_own_limit_and_the_drop_that_waited_gets_its_run_though_its_end_is_lost(
    watched: WatchedStage, first_model: FirstModel
) -> None:
    loop, reason = watched.loop, "a run that hangs"
    with without_the_monitor(loop):
        with a_step_that_never_ends(loop, "Validate"):
            ask(loop, reason)
            loop.wait_for("the job that hangs", lambda: job_of(loop, reason, "Validate"))
            (hanging,) = (run for run in loop.runs() if reason in run.reason)
            key = loop.drop("2013-03", b"PAR1 no Parquet file either PAR1", name="waits.parquet")
        try:
            assert hanging.ends_by is not None
            loop.wait_for("the drop that waits", lambda: loop.ledger.training().dirty or None)
            with events_are_lost(loop, RUN_ENDED, about=loop.outputs["TrainingPipelineName"]):
                # Exactly one look of the schedule.
                loop.sandbox.advance(to=hanging.ends_by + BETWEEN_LOOKS - timedelta(milliseconds=1))
                stopped = told(watched, "Training is stopped at its limit", hanging)
                loop.wait_for("the job to be stopped", lambda: is_over(loop, reason))
                assert loop.ledger.training().run_id == hanging.run_id, "nobody has told of the end"
                loop.sandbox.advance(BETWEEN_LOOKS)
                run = loop.wait_for("the end of the run", lambda: has_ended(loop, hanging))
            waited = loop.wait_for_end_of(key)
        finally:
            loop.remove(key)

    assert run.status is RunStatus.FAILED
    assert not run.abandoned
    assert (run.failure or "").startswith("the execution was stopped: Executing at its limit, ")
    assert "6:00:0" in str(run.failure)
    assert str(run.failure).endswith("Validate Executing")
    assert str(run.stop_reason) in stopped.text
    assert str(run.failure) in told(watched, "Training failed", run).text
    job = job_of(loop, reason, "Validate")
    assert job is not None
    assert job["ProcessingJobStatus"] == "Stopped"
    assert waited.status is RunStatus.REJECTED_DATA
    assert loop.serving_config() == first_model.live.endpoint_config


@pytest.mark.parametrize(
    ("pipeline", "step"), [("TrainingPipelineName", "Train"), ("MonitoringPipelineName", "Monitor")]
)
def test_who_stops_an_execution_stops_its_job(watched: WatchedStage, pipeline: str, step: str) -> None:
    loop = watched.loop
    with one_step_that_never_ends(loop, loop.outputs[pipeline], step) as execution:
        job = loop.wait_for("the job", lambda: job_in(loop, execution, step))
        loop.client("sagemaker").stop_pipeline_execution(PipelineExecutionArn=execution)
        loop.wait_for("the execution to be stopped", lambda: is_stopped(loop, execution))

    kind = "TrainingJobStatus" if step == "Train" else "ProcessingJobStatus"
    assert job[kind] == "InProgress"
    assert (job_in(loop, execution, step) or {})[kind] == "Stopped"


def is_over(loop: Loop, reason: str) -> bool | None:
    (run,) = (run for run in loop.runs() if reason in run.reason)
    return is_stopped(loop, str(run.execution_arn))


def is_stopped(loop: Loop, execution: str) -> bool | None:
    found = loop.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=execution)
    return True if found["PipelineExecutionStatus"] == "Stopped" else None


def has_ended(loop: Loop, run: Run) -> Run | None:
    found = loop.ledger.run(run.run_id)
    return found if found is not None and not found.status.is_open else None
