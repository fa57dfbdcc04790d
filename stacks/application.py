"""Application: the HTTP API that calls the model. Its own pipeline delivers it, beside the ML pipeline."""

from pathlib import Path

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from stacks.constructs.application_function import ApplicationFunction
from stacks.constructs.delivery_role import DeliveryRole
from stacks.constructs.http_api import HttpApi
from stacks.constructs.neighbours import Neighbours
from stacks.constructs.staging import Staging
from stacks.constructs.version_rollout import VersionRollout
from stacks.settings import Settings


class ApplicationStack(Stack):
    """HTTP API, the function behind it, and how a new version of the function takes over."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        root: Path,
        staging: Staging,
        code_version: str,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"{settings.names.stage}: the HTTP API that calls the model",
            termination_protection=settings.deployment.retain,
        )
        neighbours = Neighbours(self, "Neighbours", settings=settings)
        application = ApplicationFunction(
            self,
            "Application",
            settings=settings,
            root=root,
            staging=staging,
            neighbours=neighbours,
            code_version=code_version,
        )
        neighbours.grant_ask(application.role)
        neighbours.grant_read_model(application.role)
        neighbours.grant_tell_outcomes(application.role)
        rollout = VersionRollout(
            self,
            "Rollout",
            settings=settings,
            function=application.function,
            topic=neighbours.topic,
        )
        api = HttpApi(self, "Api", settings=settings, target=rollout.alias, key=neighbours.log_key)
        if settings.deployment.is_delivered:
            tries = DeliveryRole(self, "Delivery", settings=settings, side="application")
            tries.grant_find(self.stack_name)
            api.grant_call(tries.role)
            if (secret := settings.application.jwt_credentials_secret) is not None:
                tries.grant_read_secret(secret, key_arn=settings.application.jwt_credentials_key)
        CfnOutput(self, "ApiUrl", value=api.url)
        CfnOutput(self, "ApplicationFunctionName", value=application.function.function_name)
        CfnOutput(self, "ContractVersion", value=application.contract_version)
