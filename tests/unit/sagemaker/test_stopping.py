"""Stopping the service ends everything that it started and loses nothing that it has to write."""

from collections.abc import Callable
from pathlib import Path

from sandbox.sagemaker.settings import Settings

from .endpoints import config_of, model_of
from .world import World, eventually


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[-1].split()[0] != "Z"


def test_stopping_ends_jobs_executions_and_endpoints(
    world: World, make_world: Callable[[Settings], World], tmp_path: Path
) -> None:
    assert world.s3  # the bucket of the tests is there
    own = make_world(Settings(flush_interval=30.0))
    pids = tmp_path / "pids"
    pids.mkdir()
    note = f"import os, pathlib, time\npathlib.Path({str(pids)!r}, str(os.getpid())).touch()\n"
    own.start_processing(f"{note}time.sleep(600)")
    pipeline = own.create_pipeline(own.processing_step("Long", f"{note}time.sleep(600)"))
    execution = own.start(pipeline)
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://bucket-of-tests/stopped",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    serving = model_of(own, f"{note}import json\ndef model_fn(d): return 1\ndef transform_fn(*_): return 'x', 'a/b'\n")
    own.sagemaker.create_endpoint(
        EndpointName="to-be-stopped", EndpointConfigName=config_of(own, serving, DataCaptureConfig=capture)
    )
    own.endpoint_settled("to-be-stopped")
    own.runtime.invoke_endpoint(EndpointName="to-be-stopped", Body=b"{}")
    eventually(lambda: len(list(pids.iterdir())) == 3, what="the start of three processes")
    own.service.stop()
    assert not [path.name for path in pids.iterdir() if _alive(int(path.name))]
    assert len(own.keys("stopped/to-be-stopped/live/")) == 1
    events = own.events("SageMaker Model Building Pipeline Execution Status Change", about=execution)
    assert events[-1]["currentPipelineExecutionStatus"] == "Stopped"
    assert not list((own.platform.work_dir / "jobs").iterdir())
