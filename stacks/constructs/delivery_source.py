"""Where a delivery pipeline takes its code from, and which changes start it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Stack, pipelines
from aws_cdk import aws_codecommit as codecommit
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as codepipeline_actions
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.settings import DeliveryPipelines

_ACTION: Final = "Source"


@dataclass(frozen=True)
class Paths:
    """Files whose change starts a pipeline, as globs."""

    includes: Sequence[str]
    excludes: Sequence[str] = ()


@dataclass(frozen=True)
class Change:
    """What EventBridge says of a change of the code.

    Attributes:
        described: of which change; what a rule and its alarms call it.
        pattern: of its events.
    """

    described: str
    pattern: events.EventPattern


def source(scope: Construct, *, delivery: DeliveryPipelines) -> pipelines.CodePipelineSource:
    """The source action of the kind that the settings name."""
    match delivery.source:
        case "connection":
            return pipelines.CodePipelineSource.connection(
                delivery.repository, delivery.branch, connection_arn=delivery.connection_arn, action_name=_ACTION
            )
        case "codecommit":
            repository = codecommit.Repository.from_repository_name(scope, "Repository", delivery.repository)
            return pipelines.CodePipelineSource.code_commit(
                repository,
                delivery.branch,
                action_name=_ACTION,
                # A rule of our own starts the pipeline (push_event.py).
                trigger=codepipeline_actions.CodeCommitTrigger.NONE,
            )
        case "s3":
            key = kms.Key.from_key_arn(scope, "RepositoryKey", delivery.key_arn) if delivery.key_arn else None
            bucket = s3.Bucket.from_bucket_attributes(
                scope, "Repository", bucket_name=delivery.repository, encryption_key=key
            )
            return pipelines.CodePipelineSource.s3(
                bucket,
                delivery.object_key,
                action_name=_ACTION,
                # A rule of our own starts the pipeline (push_event.py). Without a trigger CodePipeline would poll, and
                # it stops polling for a pipeline that nothing started in 30 days (AWS page "PipelineMetadata").
                trigger=codepipeline_actions.S3Trigger.NONE,
            )


def change(stack: Stack, *, delivery: DeliveryPipelines) -> Change | None:
    """The change that a rule has to watch for; none for a connection, which starts the pipeline by itself.

    AWS pages "CodeCommit source actions and EventBridge" and "Connecting to Amazon S3 source actions with a source
    enabled for events".
    """
    match delivery.source:
        case "connection":
            return None
        case "codecommit":
            return Change(
                described="A commit",
                pattern=events.EventPattern(
                    source=["aws.codecommit"],
                    detail_type=["CodeCommit Repository State Change"],
                    resources=[stack.format_arn(service="codecommit", resource=delivery.repository)],
                    detail={"event": ["referenceCreated", "referenceUpdated"], "referenceName": [delivery.branch]},
                ),
            )
        case "s3":
            return Change(
                described="An upload",
                pattern=events.EventPattern(
                    source=["aws.s3"],
                    detail_type=["Object Created"],
                    resources=[stack.format_arn(service="s3", region="", account="", resource=delivery.repository)],
                    detail={"object": {"key": [delivery.object_key]}},
                ),
            )


def filter_by_path(pipeline: codepipeline.CfnPipeline, *, delivery: DeliveryPipelines, paths: Paths) -> None:
    """Let only changes below ``paths`` start the pipeline, where the source can tell.

    AWS page "AWS::CodePipeline::Pipeline PipelineTriggerDeclaration": filters exist for connections only, and with one
    the default detection of changes is off. Another kind of source starts both pipelines with every change.
    """
    if delivery.source != "connection":
        return
    pipeline.triggers = [
        codepipeline.CfnPipeline.PipelineTriggerDeclarationProperty(
            provider_type="CodeStarSourceConnection",
            git_configuration=codepipeline.CfnPipeline.GitConfigurationProperty(
                source_action_name=_ACTION,
                push=[
                    codepipeline.CfnPipeline.GitPushFilterProperty(
                        branches=codepipeline.CfnPipeline.GitBranchFilterCriteriaProperty(includes=[delivery.branch]),
                        file_paths=codepipeline.CfnPipeline.GitFilePathFilterCriteriaProperty(
                            includes=list(paths.includes), excludes=list(paths.excludes) or None
                        ),
                    )
                ],
            ),
        )
    ]
