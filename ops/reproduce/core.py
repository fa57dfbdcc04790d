"""The whole of it: what was recorded, is it still there, run it again, compare."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from ops import storage
from ops.errors import OpsError
from ops.lineage import Lineage, evaluation_uri, read_lineage
from ops.reproduce import comparison, definition, inputs, replay
from ops.reproduce.comparison import Comparison, Result
from ops.reproduce.inputs import Problem
from ops.stage import Stage

_PIPELINE_NAME_LIMIT = 256
_SUFFIX = "-reproduce-"


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """How it went. Without ``comparison`` the inputs were not there any more and nothing was started."""

    lineage: Lineage
    problems: tuple[Problem, ...]
    replay_run_id: str | None = None
    execution_arn: str | None = None
    comparison: Comparison | None = None

    @property
    def is_identical(self) -> bool:
        """Whether the same model came out."""
        return self.comparison is not None and self.comparison.is_equal

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        compared = self.comparison
        return {
            "project": self.lineage.project,
            "environment": self.lineage.environment,
            "version": self.lineage.version,
            "identical": self.is_identical,
            "same_model": compared.is_same_model if compared else None,
            "run_id": self.lineage.run_id,
            "snapshot_id": self.lineage.record["snapshot_id"],
            "problems": [asdict(problem) for problem in self.problems],
            "replay": {"run_id": self.replay_run_id, "execution_arn": self.execution_arn},
            "metrics": dict(compared.metrics) if compared else {},
            "figures_compared": compared.figures if compared else 0,
            "registered": asdict(compared.registered) if compared else None,
            "reproduced": asdict(compared.reproduced) if compared else None,
            "differences": [asdict(difference) for difference in compared.differences] if compared else [],
        }


@dataclass(frozen=True)
class _Recorded:
    """What the recorded execution ran."""

    definition: str
    parameters: dict[str, str]
    code_uri: str


def reproduce(stage: Stage, version: int, *, now: datetime, told: Callable[[str], None]) -> Reproduction:
    """Make a version again and compare.

    Raises:
        OpsError: There is no such version, its execution is not known any more, or the replay failed.
    """
    lineage = read_lineage(stage, version)
    recorded = _recorded(stage, lineage)
    s3, artifacts = stage.target.s3, stage.artifacts_bucket
    problems = inputs.check(s3, lineage, code_uri=recorded.code_uri, artifacts_bucket=artifacts, told=told)
    if problems:
        return Reproduction(lineage=lineage, problems=tuple(problems))
    run_id = _run_id(lineage, now)
    planned = _plan(stage, lineage, recorded, run_id=run_id)
    told(f"replaying run {lineage.run_id} as {run_id}")
    execution_arn = replay.run(planned, stage.target, told=told)
    registered = Result(lineage.model_uri, evaluation_uri(lineage.record, artifacts_bucket=artifacts))
    reproduced = Result(
        _moved(registered.model_uri, lineage.run_id, run_id), _moved(registered.evaluation_uri, lineage.run_id, run_id)
    )
    return Reproduction(
        lineage=lineage,
        problems=(),
        replay_run_id=run_id,
        execution_arn=execution_arn,
        comparison=comparison.compare(s3, registered, reproduced),
    )


def _recorded(stage: Stage, lineage: Lineage) -> _Recorded:
    """Ask SageMaker what exactly was run (page "DescribePipelineDefinitionForExecution")."""
    sagemaker, arn = stage.target.sagemaker, _execution(stage, lineage)
    try:
        text = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)["PipelineDefinition"]
        pages = sagemaker.get_paginator("list_pipeline_parameters_for_execution").paginate(PipelineExecutionArn=arn)
        parameters = {each["Name"]: each["Value"] for page in pages for each in page["PipelineParameters"]}
    except ClientError as error:
        raise OpsError(f"SageMaker does not tell what execution {arn} ran: {error}") from error
    code_uri = definition.code_uri(text, bundle=lineage.record["code_bundle"])
    return _Recorded(text, parameters, code_uri)


def _execution(stage: Stage, lineage: Lineage) -> str:
    """Find the execution of a run: in the ledger, or by its name, which is the run's."""
    if lineage.run and lineage.run.execution_arn:
        return lineage.run.execution_arn
    pages = stage.target.sagemaker.get_paginator("list_pipeline_executions").paginate(
        PipelineName=stage.training_pipeline
    )
    for page in pages:
        for summary in page["PipelineExecutionSummaries"]:
            if summary.get("PipelineExecutionDisplayName") == lineage.run_id:
                return summary["PipelineExecutionArn"]
    raise OpsError(f"neither the ledger nor SageMaker knows the execution of run {lineage.run_id}")


def _plan(stage: Stage, lineage: Lineage, recorded: _Recorded, *, run_id: str) -> replay.Replay:
    deployed = stage.target.sagemaker.describe_pipeline(PipelineName=stage.training_pipeline)
    role_arn = deployed["RoleArn"]
    copy = f"s3://{stage.artifacts_bucket}/runs/{run_id}/code/{lineage.record['code_bundle']}"
    _copy(stage, recorded.code_uri, copy)
    text = definition.for_replay(
        recorded.definition,
        code_uri=recorded.code_uri,
        replayed_code_uri=copy,
        role_arn=role_arn,
        present=deployed["PipelineDefinition"],
    )
    room = _PIPELINE_NAME_LIMIT - len(_SUFFIX) - 8
    return replay.Replay(
        pipeline=f"{stage.training_pipeline[:room]}{_SUFFIX}{run_id[-8:]}",
        definition=text,
        role_arn=role_arn,
        parameters={**recorded.parameters, "RunId": run_id},
    )


def _copy(stage: Stage, source: str, copy: str) -> None:
    """Put the bundle where the pipeline's role may read: the role is granted the deployed bundle only."""
    origin, destination = storage.Location.of(source), storage.Location.of(copy)
    try:
        stage.target.s3.copy_object(
            Bucket=destination.bucket,
            Key=destination.key,
            CopySource={"Bucket": origin.bucket, "Key": origin.key},
        )
    except ClientError as error:
        raise OpsError(f"the code bundle {source} cannot be copied to {copy}: {error}") from error


def _run_id(lineage: Lineage, now: datetime) -> str:
    content = f"{lineage.package_arn} {now.isoformat()}"
    return f"reproduce-{now:%Y%m%dT%H%M%SZ}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def _moved(uri: str, run_id: str, replay_run_id: str) -> str:
    """Where the replay left what a run left here."""
    return uri.replace(f"/runs/{run_id}/", f"/runs/{replay_run_id}/", 1)
