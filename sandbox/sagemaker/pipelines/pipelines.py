"""The operations on pipelines themselves."""

from typing import Any

from sandbox.sagemaker.listing import Row, listed
from sandbox.sagemaker.names import arn, last_part
from sandbox.sagemaker.pipelines.definition import parse
from sandbox.sagemaker.pipelines.records import Execution, Pipeline
from sandbox.sagemaker.platform import Platform
from sandbox.sagemaker.protocol.dispatch import Answer, Operation, Request
from sandbox.sagemaker.protocol.errors import conflict, not_found, validation
from sandbox.sagemaker.storage import Storage, StorageError
from sandbox.sagemaker.table import Table
from sandbox.sagemaker.tags import Tags


class Pipelines:
    """The stored pipelines."""

    def __init__(self, platform: Platform, *, tags: Tags, executions: Table[Execution]) -> None:
        self._platform = platform
        self._tags = tags
        self._executions = executions
        self._tokens: dict[str, str] = {}
        self.table: Table[Pipeline] = Table()

    def operations(self) -> dict[str, Operation]:
        """The operations by their AWS names."""
        return {
            "CreatePipeline": self._create,
            "UpdatePipeline": self._update,
            "DescribePipeline": self._describe,
            "DeletePipeline": self._delete,
            "ListPipelines": self._list,
        }

    def existing(self, name_or_arn: str) -> Pipeline:
        """The pipeline with this name or ARN; ResourceNotFound when there is none."""
        name = last_part(name_or_arn, "pipeline")
        pipeline = self.table.get(name)
        if pipeline is None:
            raise not_found(f"Pipeline '{arn(self._platform, 'pipeline', name)}' does not exist.")
        return pipeline

    def _create(self, request: Request) -> Answer:
        token, name = request["ClientRequestToken"], request["PipelineName"]
        with self.table.lock:
            if self._tokens.get(token) == name and self.table.get(name) is not None:
                return {"PipelineArn": self.existing(name).arn}
            text, now = self._definition(request, role_arn=request["RoleArn"]), self._platform.clock.now()
            pipeline = Pipeline(
                name=name,
                arn=arn(self._platform, "pipeline", name),
                display_name=request.get("PipelineDisplayName"),
                description=request.get("PipelineDescription"),
                text=text,
                definition=parse(text),
                role_arn=request["RoleArn"],
                parallelism=request.get("ParallelismConfiguration"),
                created=now,
                modified=now,
            )
            if not self.table.add(name, pipeline):
                raise validation(
                    "Pipeline names must be unique within an AWS account and region. "
                    f"Pipeline with name ({name}) already exists."
                )
            self._tokens[token] = name
        self._tags.create(pipeline.arn, request.get("Tags"))
        return {"PipelineArn": pipeline.arn}

    def _definition(self, request: Request, *, role_arn: str) -> str:
        text: str | None = request.get("PipelineDefinition")
        location = request.get("PipelineDefinitionS3Location")
        if text is not None and location is None:
            return text
        if text is not None or location is None:
            raise validation("Give exactly one of PipelineDefinition and PipelineDefinitionS3Location.")
        uri = f"s3://{location['Bucket']}/{location['ObjectKey']}"
        try:
            return Storage(self._platform, role_arn=role_arn).read(uri).decode()
        except StorageError as error:
            raise validation(f"Unable to read the pipeline definition: {error}") from error

    def _update(self, request: Request) -> Answer:
        with self.table.lock:
            pipeline = self.existing(request["PipelineName"])
            changes: dict[str, Any] = {
                field: request[member]
                for member, field in (
                    ("PipelineDisplayName", "display_name"),
                    ("PipelineDescription", "description"),
                    ("RoleArn", "role_arn"),
                    ("ParallelismConfiguration", "parallelism"),
                )
                if member in request
            }
            if "PipelineDefinition" in request or "PipelineDefinitionS3Location" in request:
                text = self._definition(request, role_arn=request.get("RoleArn", pipeline.role_arn))
                changes |= {"text": text, "definition": parse(text)}
            pipeline = self.table.change(pipeline.name, modified=self._platform.clock.now(), **changes)
        return {"PipelineArn": pipeline.arn}

    def _describe(self, request: Request) -> Answer:
        pipeline = self.existing(request["PipelineName"])
        return {
            "PipelineArn": pipeline.arn,
            "PipelineName": pipeline.name,
            "PipelineDisplayName": pipeline.display_name,
            "PipelineDefinition": pipeline.text,
            "PipelineDescription": pipeline.description,
            "RoleArn": pipeline.role_arn,
            "PipelineStatus": "Active",
            "CreationTime": pipeline.created,
            "LastModifiedTime": pipeline.modified,
            "LastRunTime": pipeline.last_run,
            "CreatedBy": {},
            "LastModifiedBy": {},
            "ParallelismConfiguration": pipeline.parallelism,
        }

    def _delete(self, request: Request) -> Answer:
        pipeline = self.existing(request["PipelineName"])
        runs = (run for run in self._executions.all() if run.pipeline.arn == pipeline.arn)
        if any(run.ended is None for run in runs):
            raise conflict(f"Pipeline '{pipeline.arn}' has executions that are running; stop them first.")
        self.table.remove(pipeline.name)
        self._tags.forget(pipeline.arn)
        return {"PipelineArn": pipeline.arn}

    def _list(self, request: Request) -> Answer:
        prefix = request.get("PipelineNamePrefix", "")
        rows = [
            Row(
                name=pipeline.name,
                created=pipeline.created,
                number=number,
                summary={
                    "PipelineArn": pipeline.arn,
                    "PipelineName": pipeline.name,
                    "PipelineDisplayName": pipeline.display_name,
                    "PipelineDescription": pipeline.description,
                    "RoleArn": pipeline.role_arn,
                    "CreationTime": pipeline.created,
                    "LastModifiedTime": pipeline.modified,
                    "LastExecutionTime": pipeline.last_run,
                },
            )
            for number, pipeline in enumerate(self.table.all())
            if pipeline.name.startswith(prefix)
        ]
        page, token = listed(rows, request, descending=True)
        return {"PipelineSummaries": page, "NextToken": token}
