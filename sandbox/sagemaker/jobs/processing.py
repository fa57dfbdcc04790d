"""Processing jobs.

The contract of the container: AWS's pages "Build Your Own Processing Container" and "DescribeProcessingJob".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.sagemaker import names
from sandbox.sagemaker.events import Events
from sandbox.sagemaker.instances import Instance, instance
from sandbox.sagemaker.isolation import command, environment
from sandbox.sagemaker.jobs.engine import JobEngine, Run
from sandbox.sagemaker.jobs.errors import JobError
from sandbox.sagemaker.jobs.process import Command, Ending, Exit
from sandbox.sagemaker.listing import Row, listed
from sandbox.sagemaker.logs import LogShipper
from sandbox.sagemaker.platform import Platform, UnknownImageError
from sandbox.sagemaker.protocol.dispatch import Answer, Operation, Request
from sandbox.sagemaker.protocol.errors import in_use, not_found, validation
from sandbox.sagemaker.storage import Storage, StorageError
from sandbox.sagemaker.table import Table
from sandbox.sagemaker.tags import Tags

_DAY = 86_400
_ROOT = "/opt/ml/processing"
_ANSWERED = (
    "ProcessingInputs", "ProcessingOutputConfig", "ProcessingJobName", "ProcessingResources", "StoppingCondition",
    "AppSpecification", "Environment", "NetworkConfig", "RoleArn", "ExperimentConfig",
)  # fmt: skip
_EVENT_MEMBERS = tuple(name for name in _ANSWERED if name != "Environment")


@dataclass(frozen=True)
class ProcessingJob:
    """A processing job; `request` holds the members that are answered as they came."""

    name: str
    arn: str
    role_arn: str
    request: Mapping[str, Any]
    created: datetime
    modified: datetime
    status: str = "InProgress"
    started: datetime | None = None
    ended: datetime | None = None
    exit_message: str | None = None
    failure_reason: str | None = None

    @property
    def max_runtime(self) -> int:
        """Seconds after which the job is stopped; AWS's default is a day."""
        return int(self.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DAY))

    @property
    def instance(self) -> Instance:
        """The machine that the job asks for."""
        return instance(self.request["ProcessingResources"]["ClusterConfig"]["InstanceType"])

    def description(self) -> dict[str, Any]:
        """The answer of DescribeProcessingJob."""
        return {
            **{name: self.request[name] for name in _ANSWERED if name in self.request},
            "ProcessingJobArn": self.arn,
            "ProcessingJobStatus": self.status,
            "ExitMessage": self.exit_message,
            "FailureReason": self.failure_reason,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "ProcessingStartTime": self.started,
            "ProcessingEndTime": self.ended,
        }

    def row(self, number: int) -> Row:
        """The entry in ListProcessingJobs."""
        summary = {
            "ProcessingJobName": self.name,
            "ProcessingJobArn": self.arn,
            "CreationTime": self.created,
            "ProcessingEndTime": self.ended,
            "LastModifiedTime": self.modified,
            "ProcessingJobStatus": self.status,
            "FailureReason": self.failure_reason,
            "ExitMessage": self.exit_message,
        }
        return Row(
            name=self.name, created=self.created, number=number, summary=summary, modified=self.modified,
            status=self.status,
        )  # fmt: skip


class ProcessingJobs:
    """The operations on processing jobs."""

    def __init__(self, platform: Platform, *, tags: Tags, events: Events, logs: LogShipper) -> None:
        self._platform = platform
        self._tags = tags
        self._events = events
        self._table: Table[ProcessingJob] = Table()
        self.engine = JobEngine(platform, log_group="/aws/sagemaker/ProcessingJobs", logs=logs)

    def operations(self) -> dict[str, Operation]:
        """The operations by their AWS names."""
        return {
            "CreateProcessingJob": self._create,
            "DescribeProcessingJob": lambda request: self._existing(request).description(),
            "ListProcessingJobs": self._list,
            "StopProcessingJob": self._stop,
        }

    def _existing(self, request: Request) -> ProcessingJob:
        job = self._table.get(request["ProcessingJobName"])
        if job is None:
            raise validation(f"Could not find requested job with name: {request['ProcessingJobName']}")
        return job

    def _create(self, request: Request) -> Answer:
        for path in _local_paths(request):
            if not f"{path}/".startswith(f"{_ROOT}/"):
                raise validation(f"LocalPath {path!r} must be {_ROOT} or below it.")
        name = request["ProcessingJobName"]
        now = self._platform.clock.now()
        job = ProcessingJob(
            name=name,
            arn=names.arn(self._platform, "processing-job", name),
            role_arn=request["RoleArn"],
            request=request,
            created=now,
            modified=now,
        )
        if not self._table.add(name, job):
            raise in_use(
                "Job name must be unique within an AWS account and region, "
                f"and a job with this name already exists ({job.arn})"
            )
        self._tags.create(job.arn, request.get("Tags"))
        self._tell(job)
        self.engine.start(name, self._run)
        return {"ProcessingJobArn": job.arn}

    def _stop(self, request: Request) -> Answer:
        job = self._table.get(request["ProcessingJobName"])
        if job is None:
            raise not_found(f"Could not find requested job with name: {request['ProcessingJobName']}")
        if job.status != "InProgress":
            raise validation(f"The request was rejected because the processing job is in status {job.status}.")
        self._change(job.name, status="Stopping")
        self.engine.stop(job.name)
        return {}

    def _list(self, request: Request) -> Answer:
        rows = [job.row(number) for number, job in enumerate(self._table.all())]
        page, token = listed(rows, request, descending=False)
        return {"ProcessingJobSummaries": page, "NextToken": token}

    def _change(self, name: str, **changes: Any) -> ProcessingJob:
        job = self._table.change(name, modified=self._platform.clock.now(), **changes)
        self._tell(job)
        return job

    def _tell(self, job: ProcessingJob) -> None:
        description = job.description()
        detail = {name: value for name, value in description.items() if name in _EVENT_MEMBERS or "Processing" in name}
        times = {"CreationTime": job.created, "LastModifiedTime": job.modified}
        reasons = {"FailureReason": job.failure_reason, "ExitMessage": job.exit_message}
        self._events.emit(
            "SageMaker Processing Job State Change",
            detail={**detail, **times, **reasons, "Tags": self._tags.of(job.arn)},
            resources=[job.arn],
        )

    def _run(self, run: Run) -> None:
        job = self._table.change(run.name, started=self._platform.clock.now())
        try:
            status, reason = self._outcome(run, job)
        except (JobError, StorageError, UnknownImageError) as error:
            status, reason = "Failed", f"ClientError: {error}"
        except Exception:
            self._change(job.name, status="Failed", ended=self._platform.clock.now(), failure_reason=_INTERNAL)
            raise
        self._change(
            job.name,
            status=status,
            ended=self._platform.clock.now(),
            failure_reason=names.reason(reason),
            exit_message=run.workspace.message("message"),
        )

    def _outcome(self, run: Run, job: ProcessingJob) -> tuple[str, str | None]:
        """Run the container; the status that the job ends in and the reason when that is not Completed."""
        image = self._platform.image(job.request["AppSpecification"]["ImageUri"], role_arn=job.role_arn)
        if job.request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] > 1 and not _makes_a_cluster(image):
            raise JobError("the sandbox runs jobs of one instance: set InstanceCount to 1")
        storage = Storage(self._platform, role_arn=job.role_arn)
        _download(run, job, storage=storage)
        _configure(run, job)
        specification = job.request["AppSpecification"]
        argv = [*specification.get("ContainerEntrypoint", ()), *specification.get("ContainerArguments", ())]
        if not argv:
            raise JobError("the sandbox runs no image's own entry point: give ContainerEntrypoint")
        exited = run.execute(
            Command(
                argv=command(argv, run.workspace.base, work_dir=self._platform.work_dir),
                environment=environment(
                    self._platform,
                    base=run.workspace.base,
                    image=image,
                    role_arn=job.role_arn,
                    threads=job.instance.threads,
                    isolated=job.request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False),
                    own={"PROCESSING_JOB_ARN": job.arn, **job.request.get("Environment", {})},
                ),
                directory=run.workspace.directory,
                log_file=run.log_file,
                memory=job.instance.memory,
                timeout=job.max_runtime,
            ),
            role_arn=job.role_arn,
        )
        _upload(run, job, storage=storage, succeeded=exited.succeeded)
        return ("Completed", None) if exited.succeeded else _unsuccessful(exited, run, job)


_INTERNAL = "InternalServerError: We encountered an internal error.  Please try again."


def _makes_a_cluster(image: Sequence[Path]) -> bool:
    """Whether the image makes one cluster of its instances, so that it can as well be run on a single one."""
    return any((entry / "bin" / "smspark-submit").exists() for entry in image)


def _local_paths(request: Request) -> Sequence[str]:
    return [
        *(item["S3Input"]["LocalPath"] for item in request.get("ProcessingInputs", ()) if "S3Input" in item),
        *(item["S3Output"]["LocalPath"] for item in _outputs(request) if "S3Output" in item),
    ]


def _outputs(request: Request) -> Sequence[Mapping[str, Any]]:
    outputs: Sequence[Mapping[str, Any]] = request.get("ProcessingOutputConfig", {}).get("Outputs", ())
    return outputs


def _download(run: Run, job: ProcessingJob, *, storage: Storage) -> None:
    for item in job.request.get("ProcessingInputs", ()):
        if "S3Input" not in item:
            raise JobError(f"input {item['InputName']!r}: the sandbox reads S3Input only")
        source = item["S3Input"]
        if source.get("S3InputMode") == "Pipe" or source.get("S3CompressionType") == "Gzip":
            raise JobError(f"input {item['InputName']!r}: the sandbox copies files as they are: no Pipe, no Gzip")
        target = run.workspace.local(source["LocalPath"])
        target.mkdir(parents=True, exist_ok=True)
        if source["S3DataType"] == "ManifestFile":
            storage.download_manifest(source["S3Uri"], target)
        else:
            storage.download_prefix(source["S3Uri"], target)
    for item in _outputs(job.request):
        run.workspace.local(item["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)


def _configure(run: Run, job: ProcessingJob) -> None:
    run.workspace.make("output")
    run.workspace.make("processing")
    run.workspace.write_config(
        "config", "processingjobconfig.json", content={"ProcessingJobArn": job.arn, **job.request}
    )
    run.workspace.write_config("config", "resourceconfig.json", content={"current_host": "algo-1", "hosts": ["algo-1"]})


def _upload(run: Run, job: ProcessingJob, *, storage: Storage, succeeded: bool) -> None:
    """Upload the outputs; of a job that failed, those that were uploaded while it ran (S3UploadMode Continuous)."""
    key = job.request.get("ProcessingOutputConfig", {}).get("KmsKeyId")
    for item in _outputs(job.request):
        target = item["S3Output"]
        if not succeeded and target["S3UploadMode"] != "Continuous":
            continue
        storage.upload_directory(run.workspace.local(target["LocalPath"]), target["S3Uri"], kms_key=key)


def _unsuccessful(exited: Exit, run: Run, job: ProcessingJob) -> tuple[str, str | None]:
    match exited.ending:
        case Ending.STOPPED:
            return "Stopped", None
        case Ending.TIMED_OUT:
            return "Stopped", f"ClientError: The job exceeded its MaxRuntimeInSeconds of {job.max_runtime}."
    message = run.workspace.message("message")
    if message is None:
        return "Failed", "AlgorithmError: See job logs for more information"
    return "Failed", f"AlgorithmError: {message}, exit code: {exited.code}"
