"""The Lambda function behind the HTTP API: its code with the contract it speaks, its role, its logs."""

import json
from pathlib import Path
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.constructs.handler import METRICS_NAMESPACE, trace
from stacks.constructs.logs import kept_logs
from stacks.constructs.neighbours import Neighbours
from stacks.constructs.permissions import allow
from stacks.constructs.regional import powertools_layer_arn
from stacks.constructs.staging import Staging
from stacks.constructs.unfitting import decline_for_function
from stacks.settings import Settings, application_contract

SERVICE: Final = "application"
"""Dimension ``service`` of its metrics, which the rollback alarms of the endpoint look at."""


class ApplicationFunction(Construct):
    """A Python function from ``application`` with exactly the permissions that are granted to ``role``."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        root: Path,
        staging: Staging,
        neighbours: Neighbours,
        code_version: str,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = kept_logs(self, "Logs", key=neighbours.log_key, retain=settings.deployment.retain)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        allow(self.role, actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn])
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"Answers the HTTP API of {settings.names.stage}",
            code=lambda_.Code.from_asset(staging.application(settings, root=root)),
            handler="application.handler.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.X86_64,
            memory_size=settings.application.memory_megabytes,
            timeout=Duration.seconds(settings.application.timeout_seconds),
            role=self.role,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            layers=[lambda_.LayerVersion.from_layer_version_arn(self, "Powertools", powertools_layer_arn(self))],
            environment={
                "PROJECT": settings.names.project,
                "ENVIRONMENT": settings.names.environment,
                "ENDPOINT_NAME": neighbours.endpoint,
                "LEDGER_TABLE": neighbours.ledger,
                "DATA_BUCKET": neighbours.data_bucket,
                "ARTIFACTS_BUCKET": neighbours.artifacts_bucket,
                "MAX_RECORDS": str(settings.application.max_records),
                "TIMEOUT_SECONDS": str(settings.application.timeout_seconds),
                "CODE_VERSION": code_version,
                "POWERTOOLS_SERVICE_NAME": SERVICE,
                "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
                "POWERTOOLS_LOG_LEVEL": "INFO",
            },
        )
        trace(self.function, self.role)
        if neighbours.placement is not None:
            neighbours.placement.put_function(self.function, self.role)
        decline_for_function(self.function, is_isolated=neighbours.placement is not None)
        contract = json.loads(application_contract(settings.folder).read_text("utf-8"))
        self.contract_version: str = contract["version"]
