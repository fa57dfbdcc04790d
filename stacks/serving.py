"""Serving: from an approved model version to an endpoint that provably serves it."""

from dataclasses import dataclass

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_events as events
from constructs import Construct

from stacks.constructs.endpoint import Endpoint
from stacks.constructs.event_path import EventPath
from stacks.constructs.handler import Handler, HandlerContext
from stacks.constructs.model_registry import ModelRegistry
from stacks.constructs.rollback_alarms import RollbackAlarms
from stacks.settings import VARIANT, Settings
from stacks.storage import StorageResources
from stacks.training import TrainingResources


@dataclass(frozen=True)
class ServingResources:
    """What the other stacks of the stage use."""

    endpoint: Endpoint
    paths: tuple[EventPath, ...]


class ServingStack(Stack):
    """The endpoint's execution role, and the event paths that deploy a version and confirm that it serves."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        storage: StorageResources,
        training: TrainingResources,
        handlers: HandlerContext,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"{settings.names.stage}: deployment of approved models",
            termination_protection=settings.deployment.retain,
        )
        registry = training.registry
        endpoint = Endpoint(
            self,
            "Endpoint",
            name=settings.names.endpoint,
            key=storage.key,
            retain=settings.deployment.retain,
            placement=handlers.placement,
        )
        storage.artifacts.grant_read(endpoint.role, prefix="runs/")
        storage.artifacts.grant_write(endpoint.role, prefix="capture/")
        alarms = RollbackAlarms(self, "Rollback", settings=settings, notifications=storage.notifications)
        alarms.grant_describe(endpoint.role)

        deploy = Handler(
            self,
            "DeployModel",
            name="deploy_model",
            description="Brings an approved model version to the endpoint, and takes a rejected one away",
            context=handlers,
            sends_to_itself=True,
            environment={
                **_serving_settings(settings),
                **_rollout_settings(settings),
                "ROLLBACK_ALARMS": ",".join(alarms.names),
                "ENDPOINT_NAME": endpoint.name,
                "MODEL_PACKAGE_GROUP": registry.name,
                "EXECUTION_ROLE_ARN": endpoint.role.role_arn,
                "CAPTURE_URI": f"s3://{storage.artifacts.name}/capture",
                "KMS_KEY_ARN": storage.key.key_arn,
                **(handlers.placement.variables if handlers.placement is not None else {}),
            },
        )
        deployment = EventPath(
            self,
            "Deployment",
            description="A model version was approved or rejected",
            pattern=_approval_changed(registry),
            handler=deploy,
            notifications=storage.notifications,
            key=storage.key,
        )
        # A deployment that finds the endpoint busy goes back to its own queue.
        deployment.grant_send(deploy)
        storage.ledger.grant_query(deploy.role)
        registry.grant_describe(deploy.role)
        registry.grant_deploy(deploy.role)
        registry.grant_stage(deploy.role, stage=settings.deployment.environment)
        alarms.grant_describe(deploy.role)
        endpoint.grant_deploy(deploy.role, key=storage.key)
        # The contract beside a version's evaluation; a version of an earlier release has none there.
        storage.artifacts.grant_read(deploy.role, prefix="runs/")
        storage.artifacts.grant_list(deploy.role)

        confirm = Handler(
            self,
            "ConfirmDeployment",
            name="confirm_deployment",
            description="Compares what the endpoint serves with what was requested",
            context=handlers,
            environment={
                "ENDPOINT_NAME": endpoint.name,
                "KEEP_DEPLOYMENTS": str(settings.serving.keep_deployments),
            },
        )
        confirmation = EventPath(
            self,
            "Confirmation",
            description="The endpoint changed its state",
            pattern=_endpoint_changed(endpoint),
            handler=confirm,
            notifications=storage.notifications,
            key=storage.key,
        )
        endpoint.grant_describe(confirm.role)
        endpoint.grant_tidy(confirm.role)
        storage.ledger.grant_query(confirm.role)
        registry.grant_describe(confirm.role)
        registry.grant_stage(confirm.role, stage=settings.deployment.environment)

        self.resources = ServingResources(endpoint=endpoint, paths=(deployment, confirmation))
        CfnOutput(self, "EndpointName", value=endpoint.name)
        CfnOutput(self, "DeploymentQueueUrl", value=deployment.queue.queue_url)


def _serving_settings(settings: Settings) -> dict[str, str]:
    serving = settings.serving
    return {
        "VARIANT_NAME": VARIANT,
        "INSTANCE_TYPE": serving.instance_type,
        "INSTANCE_COUNT": str(serving.instance_count),
        "CAPTURE_PERCENT": str(serving.capture_percent),
        "NETWORK_ISOLATION": "true" if serving.network_isolation else "false",
    }


def _rollout_settings(settings: Settings) -> dict[str, str]:
    rollout = settings.rollout
    return {
        "ROLLOUT_STRATEGY": rollout.strategy,
        "ROLLOUT_STEP_PERCENT": str(rollout.step_percent),
        "ROLLOUT_BAKE_SECONDS": str(rollout.bake_seconds),
        "ROLLOUT_TERMINATION_WAIT_SECONDS": str(rollout.termination_wait_seconds),
        "ROLLOUT_MAX_SECONDS": str(rollout.max_minutes * 60),
    }


def _approval_changed(registry: ModelRegistry) -> events.EventPattern:
    """AWS page "Events that Amazon SageMaker AI sends to Amazon EventBridge", model package state change."""
    return events.EventPattern(
        source=["aws.sagemaker"],
        detail_type=["SageMaker Model Package State Change"],
        detail={"ModelPackageGroupName": [registry.name], "ModelApprovalStatus": ["Approved", "Rejected"]},
    )


def _endpoint_changed(endpoint: Endpoint) -> events.EventPattern:
    """AWS page "Events that Amazon SageMaker AI sends to Amazon EventBridge", endpoint state change."""
    return events.EventPattern(
        source=["aws.sagemaker"], detail_type=["SageMaker Endpoint State Change"], resources=[endpoint.arn]
    )
