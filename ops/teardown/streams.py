"""Logs of a stage's jobs. CloudWatch Logs keeps them in groups that all jobs of an account share."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ops.target import CONCURRENCY
from ops.teardown.plan import Kind, Thing
from ops.teardown.services import Services, every, unless_absent

SHARED_GROUPS = {"ProcessingJob": "/aws/sagemaker/ProcessingJobs", "TrainingJob": "/aws/sagemaker/TrainingJobs"}
"""By the kind of job; nobody's alone, so nothing but single streams may go."""


def job_streams(executions: Sequence[str], services: Services, *, told: Callable[[str], None]) -> Iterator[Thing]:
    """Yield the log streams of the jobs that these executions have run."""
    if executions:
        told(f"looking for the logs of {len(executions):,} executions")
    with ThreadPoolExecutor(max_workers=CONCURRENCY, thread_name_prefix="logs") as pool:
        for streams in pool.map(partial(_streams_of, services), executions):
            yield from streams


def _streams_of(services: Services, execution: str) -> list[Thing]:
    pages = services.sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=execution)
    prefixes = set()
    for step in unless_absent(partial(every, pages, "PipelineExecutionSteps")) or []:
        for kind, group in SHARED_GROUPS.items():
            if job := step.get("Metadata", {}).get(kind, {}).get("Arn"):
                prefixes.add((group, _prefix(job, execution)))
    return [stream for group, prefix in sorted(prefixes) for stream in _named(services, group, prefix)]


def _prefix(job: str, execution: str) -> str:
    """How the names of a job's streams begin: with the job's name and a slash.

    A step that was tried again lists its last job only; the names of all jobs of an execution begin with its id.
    """
    name, of_execution = job.rpartition("/")[2], f"pipelines-{execution.rpartition('/')[2]}-"
    return of_execution if name.startswith(of_execution) else f"{name}/"


def _named(services: Services, group: str, prefix: str) -> list[Thing]:
    pages = services.logs.get_paginator("describe_log_streams").paginate(logGroupName=group, logStreamNamePrefix=prefix)
    found = unless_absent(partial(every, pages, "logStreams")) or []
    return [Thing(Kind.STREAM, each["logStreamName"], group) for each in found]
