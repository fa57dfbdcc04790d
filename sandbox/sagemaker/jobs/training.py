"""Training jobs.

The contract of the container: AWS's pages "How Amazon SageMaker AI Provides Training Information" and "How Amazon
SageMaker AI Signals Algorithm Success and Failure".
"""

from dataclasses import replace
from typing import Any

from sandbox.sagemaker import names
from sandbox.sagemaker.archive import pack
from sandbox.sagemaker.events import Events
from sandbox.sagemaker.isolation import command, environment
from sandbox.sagemaker.jobs.engine import JobEngine, Run
from sandbox.sagemaker.jobs.errors import JobError
from sandbox.sagemaker.jobs.process import Command, Ending, Exit
from sandbox.sagemaker.jobs.script_mode import Script, prepare
from sandbox.sagemaker.jobs.training_record import TrainingJob, Transition
from sandbox.sagemaker.listing import listed
from sandbox.sagemaker.logs import LogShipper
from sandbox.sagemaker.platform import Platform, UnknownImageError
from sandbox.sagemaker.protocol.dispatch import Answer, Operation, Request
from sandbox.sagemaker.protocol.errors import in_use, not_found, validation
from sandbox.sagemaker.storage import Storage, StorageError, join_uri
from sandbox.sagemaker.table import Table
from sandbox.sagemaker.tags import Tags

_MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}
_INTERNAL = "InternalServerError: We encountered an internal error.  Please try again."


class TrainingJobs:
    """The operations on training jobs."""

    def __init__(self, platform: Platform, *, tags: Tags, events: Events, logs: LogShipper) -> None:
        self._platform = platform
        self._tags = tags
        self._events = events
        self._table: Table[TrainingJob] = Table()
        self.engine = JobEngine(platform, log_group="/aws/sagemaker/TrainingJobs", logs=logs)

    def operations(self) -> dict[str, Operation]:
        """The operations by their AWS names."""
        return {
            "CreateTrainingJob": self._create,
            "DescribeTrainingJob": self._describe,
            "ListTrainingJobs": self._list,
            "StopTrainingJob": self._stop,
        }

    def _describe(self, request: Request) -> Answer:
        job = self._table.get(request["TrainingJobName"])
        if job is None:
            raise validation("Requested resource not found.")
        return job.description()

    def _create(self, request: Request) -> Answer:
        for member in ("ResourceConfig", "OutputDataConfig"):
            if member not in request:
                raise validation(f"{member} is required by training jobs on instances.")
        name, now = request["TrainingJobName"], self._platform.clock.now()
        job = TrainingJob(
            name=name,
            arn=names.arn(self._platform, "training-job", name),
            role_arn=request["RoleArn"],
            request=request,
            created=now,
            modified=now,
            transitions=(Transition(status="Starting", message=_MESSAGES["Starting"], started=now),),
        )
        if not self._table.add(name, job):
            raise in_use(
                "Training job names must be unique within an AWS account and region, "
                f"and a training job with this name already exists ({job.arn})"
            )
        self._tags.create(job.arn, request.get("Tags"))
        self._tell(job)
        self.engine.start(name, self._run)
        return {"TrainingJobArn": job.arn}

    def _stop(self, request: Request) -> Answer:
        job = self._table.get(request["TrainingJobName"])
        if job is None:
            raise not_found("Requested resource not found.")
        if job.status != "InProgress":
            raise validation(f"The request was rejected because the training job is in status {job.status}.")
        self._enter("Stopping", job.name, status="Stopping")
        self.engine.stop(job.name)
        return {}

    def _list(self, request: Request) -> Answer:
        rows = [job.row(number) for number, job in enumerate(self._table.all())]
        page, token = listed(rows, request, descending=False)
        return {"TrainingJobSummaries": page, "NextToken": token}

    def _enter(self, stage: str, name: str, **changes: Any) -> TrainingJob:
        """Begin a stage: end the one before, record it, tell it."""
        now = self._platform.clock.now()
        with self._table.lock:
            *earlier, last = self._table.change(name).transitions
            final = now if changes.get("ended") else None
            new = Transition(status=stage, message=_MESSAGES[stage], started=now, ended=final)
            job = self._table.change(
                name, transitions=(*earlier, replace(last, ended=now), new), modified=now, **changes
            )
        self._tell(job)
        return job

    def _tell(self, job: TrainingJob) -> None:
        detail = {**job.event_detail(), "Tags": self._tags.of(job.arn)}
        self._events.emit("SageMaker Training Job State Change", detail=detail, resources=[job.arn])

    def _run(self, run: Run) -> None:
        try:
            stage, reason = self._outcome(run)
        except (JobError, StorageError, UnknownImageError) as error:
            stage, reason = "Failed", f"ClientError: {error}"
        except Exception:
            self._finish("Failed", run.name, reason=_INTERNAL)
            raise
        self._finish(stage, run.name, reason=reason)

    def _finish(self, stage: str, name: str, *, reason: str | None) -> None:
        status = "Stopped" if stage == "MaxRuntimeExceeded" else stage
        self._enter(stage, name, status=status, failure_reason=names.reason(reason), ended=self._platform.clock.now())

    def _outcome(self, run: Run) -> tuple[str, str | None]:
        """Run the container; the final stage and the reason when it failed."""
        job = self._enter("Downloading", run.name, started=self._platform.clock.now())
        specification = job.request["AlgorithmSpecification"]
        if job.request["ResourceConfig"].get("InstanceCount", 1) > 1:
            raise JobError("the sandbox runs jobs of one instance: set InstanceCount to 1")
        if "TrainingImage" not in specification:
            raise JobError("the sandbox runs images only: give AlgorithmSpecification.TrainingImage")
        image = self._platform.image(specification["TrainingImage"], role_arn=job.role_arn)
        storage = Storage(self._platform, role_arn=job.role_arn)
        _download(run, job, storage=storage)
        _configure(run, job)
        script = _script(run, job, storage=storage)
        self._enter("Training", run.name)
        own = {
            "TRAINING_JOB_NAME": job.name,
            "TRAINING_JOB_ARN": job.arn,
            **script.environment,
            **job.request.get("Environment", {}),
        }
        exited = run.execute(
            Command(
                argv=command(script.argv, run.workspace.base, work_dir=self._platform.work_dir),
                environment=environment(
                    self._platform,
                    base=run.workspace.base,
                    image=image,
                    role_arn=job.role_arn,
                    threads=job.instance.threads,
                    isolated=job.request.get("EnableNetworkIsolation", False),
                    own=own,
                ),
                directory=run.workspace.directory,
                log_file=run.log_file,
                memory=job.instance.memory,
                timeout=job.max_runtime,
            ),
            role_arn=job.role_arn,
        )
        self._enter("Uploading", run.name)
        _upload(run, job, storage=storage, model=exited.succeeded or exited.ending is not Ending.EXITED)
        return _final_stage(exited, run)


def _final_stage(exited: Exit, run: Run) -> tuple[str, str | None]:
    match exited.ending:
        case Ending.STOPPED:
            return "Stopped", None
        case Ending.TIMED_OUT:
            return "MaxRuntimeExceeded", None
    if exited.succeeded:
        return "Completed", None
    message = run.workspace.message("failure") or ""
    return "Failed", f"AlgorithmError: {message}, exit code: {exited.code}"


def _script(run: Run, job: TrainingJob, *, storage: Storage) -> Script:
    specification = job.request["AlgorithmSpecification"]
    argv = [*specification.get("ContainerEntrypoint", ()), *specification.get("ContainerArguments", ())]
    if argv:
        return Script(argv=argv, environment={})
    parameters = job.request.get("HyperParameters", {})
    return prepare(run.workspace, parameters, instance=job.instance, storage=storage)


def _download(run: Run, job: TrainingJob, *, storage: Storage) -> None:
    for channel in job.request.get("InputDataConfig", ()):
        source = channel["DataSource"].get("S3DataSource")
        if source is None:
            raise JobError(f"channel {channel['ChannelName']!r}: the sandbox reads S3DataSource only")
        mode = channel.get("InputMode", job.request["AlgorithmSpecification"]["TrainingInputMode"])
        if mode == "Pipe" or channel.get("CompressionType") == "Gzip":
            raise JobError(
                f"channel {channel['ChannelName']!r}: the sandbox copies files as they are: no Pipe, no Gzip"
            )
        target = run.workspace.make("input", "data", channel["ChannelName"])
        if source["S3DataType"] == "ManifestFile":
            storage.download_manifest(source["S3Uri"], target)
        else:
            storage.download_prefix(source["S3Uri"], target)


def _configure(run: Run, job: TrainingJob) -> None:
    for folders in (("model",), ("output", "data"), ("input", "config")):
        run.workspace.make(*folders)
    write = run.workspace.write_config
    write("input", "config", "hyperparameters.json", content=job.request.get("HyperParameters", {}))
    channels = {
        channel["ChannelName"]: {
            "TrainingInputMode": channel.get("InputMode", "File"),
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
            **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
        }
        for channel in job.request.get("InputDataConfig", ())
    }
    write("input", "config", "inputdataconfig.json", content=channels)
    hosts = {
        "current_host": "algo-1",
        "current_instance_type": job.instance.type,
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "network_interface_name": "lo",
        "instance_groups": [
            {
                "instance_group_name": "homogeneousCluster",
                "instance_type": job.instance.type,
                "hosts": ["algo-1"],
            }
        ],
    }
    write("input", "config", "resourceconfig.json", content=hosts)


def _upload(run: Run, job: TrainingJob, *, storage: Storage, model: bool) -> None:
    key = job.request["OutputDataConfig"].get("KmsKeyId") or None
    if model:
        directory = run.workspace.base / "model"
        if job.model_uri.endswith("/"):
            storage.upload_directory(directory, job.model_uri, kms_key=key)
        elif any(directory.iterdir()):
            archive = run.workspace.root / "model.tar.gz"
            pack(directory, archive)
            storage.write(job.model_uri, archive.read_bytes(), kms_key=key)
    data = run.workspace.base / "output" / "data"
    if any(data.iterdir()):
        archive = run.workspace.root / "output.tar.gz"
        pack(data, archive)
        storage.write(join_uri(job.output_uri, "output.tar.gz"), archive.read_bytes(), kms_key=key)
