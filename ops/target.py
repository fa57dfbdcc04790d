"""Which AWS is asked: an account through the usual profile and region, or the sandbox on this machine."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from ops.errors import OpsError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

SANDBOX_DIRECTORY = Path(".sandbox")
_SESSION_NAME = "tandem-ops"
CONCURRENCY = 16
"""Calls at a time, where thousands are needed."""
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=CONCURRENCY,
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """One AWS to ask: the session of a profile, or the sandbox's address.

    Attributes:
        session: Where credentials and region come from.
        endpoint_url: The sandbox's address, or None for AWS itself.
    """

    session: boto3.Session
    endpoint_url: str | None = None

    @classmethod
    def aws(cls, *, profile: str | None, region: str | None, role: str | None = None) -> "Target":
        """An AWS account, as who the credentials say, or as a role that they may take on.

        Raises:
            OpsError: There is no such profile, or no region is set anywhere.
        """
        try:
            session = boto3.Session(profile_name=profile, region_name=region or os.environ.get("AWS_REGION"))
        except BotoCoreError as error:
            raise OpsError(f"{error}. Name an existing profile with --profile, or set AWS_PROFILE.") from error
        if session.region_name is None:
            raise OpsError("no AWS region is set: pass --region, or set AWS_REGION; --sandbox asks the sandbox instead")
        return cls(session=session if role is None else _assume(session, role))

    @classmethod
    def sandbox(cls, directory: Path = SANDBOX_DIRECTORY) -> "Target":
        """The sandbox that runs on this machine.

        Raises:
            OpsError: No sandbox has been started from this folder.
        """
        state_file = directory / "state.json"
        try:
            state = json.loads(state_file.read_text())
        except FileNotFoundError as error:
            raise OpsError(
                f"no sandbox is running ({state_file} does not exist): start it with `python -m sandbox up`"
            ) from error
        session = boto3.Session(
            # The account's own; where the sandbox enforces permissions, it takes no key that it does not know.
            aws_access_key_id=state["account"],
            aws_secret_access_key="sandbox",  # noqa: S106 - the embedded AWS knows no secrets
            region_name=state["region"],
        )
        return cls(session=session, endpoint_url=state["endpoint_url"])

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        """Reads the outputs of the deployed stacks."""
        return self.session.client("cloudformation", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """Reads the ledger."""
        return self.session.client("dynamodb", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def sagemaker(self) -> "SageMakerClient":
        """Reads the registry and the endpoint."""
        return self.session.client("sagemaker", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def s3(self) -> "S3Client":
        """Reads snapshots, reports and models."""
        return self.session.client("s3", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def sqs(self) -> "SQSClient":
        """Sends requests to the handlers."""
        return self.session.client("sqs", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def secrets(self) -> Any:
        """Reads client credentials (AWS Secrets Manager, whose types are not installed)."""
        return self.session.client("secretsmanager", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def sts(self) -> "STSClient":
        """Says who asks."""
        return self.session.client("sts", endpoint_url=self.endpoint_url, config=_CONFIG)

    @property
    def is_sandbox(self) -> bool:
        """Whether it is the sandbox on this machine."""
        return self.endpoint_url is not None

    @property
    def address(self) -> str | None:
        """Where every service of it answers; ``None`` where each has an address of its own, as on AWS."""
        return self.endpoint_url or os.environ.get("AWS_ENDPOINT_URL")

    @property
    def poll_seconds(self) -> float:
        """Pause between two looks at something that takes its time: seconds on this machine, minutes on AWS."""
        return 0.5 if self.is_sandbox else 15

    def has_stack(self, stack: str) -> bool:
        """Whether a stack is deployed here.

        Raises:
            OpsError: AWS refused to say, or can not be reached.
        """
        return self._describe(stack) is not None

    def stack_outputs(self, stack: str, *, fix: str = "`cdk deploy` creates it") -> dict[str, str]:
        """Outputs of a deployed stack by their name; ``fix`` is what the operator can do when there is none.

        Raises:
            OpsError: The stack is not deployed here, or AWS can not be reached.
        """
        described = self._describe(stack)
        if described is None:
            raise OpsError(f"the stack {stack} is not deployed in {self._where}: {fix}")
        return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}

    @property
    def _where(self) -> str:
        return self.endpoint_url or f"region {self.session.region_name}"

    def _describe(self, stack: str) -> "StackTypeDef | None":
        try:
            return self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise OpsError(f"{self._where} refused to describe the stack {stack}: {error}") from error
            return None  # what CloudFormation answers for an absent stack
        except BotoCoreError as error:
            raise OpsError(f"can not reach {self._where}: {error}") from error


def _assume(session: boto3.Session, role: str) -> boto3.Session:
    """Return a session with the credentials of a role, which are fetched again before they end."""
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=session.client,
        source_credentials=session.get_credentials(),
        role_arn=role,
        extra_args={"RoleSessionName": _SESSION_NAME},
    )
    assumed = get_session()
    assumed.get_component("credential_provider").insert_before("env", _Fetched(fetcher))
    return boto3.Session(botocore_session=assumed, region_name=session.region_name)


class _Fetched(CredentialProvider):
    """Provides what a fetcher fetches, ahead of all that botocore would look for."""

    METHOD = "tandem-assume-role"

    def __init__(self, fetcher: AssumeRoleCredentialFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def load(self) -> DeferredRefreshableCredentials:
        """Fetch when first needed."""
        return DeferredRefreshableCredentials(method=self.METHOD, refresh_using=self._fetcher.fetch_credentials)
