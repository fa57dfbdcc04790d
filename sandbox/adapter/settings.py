"""How the emulator is configured: its environment variables, which it reads when it is imported."""

import os
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

#: What Tandem uses; every other service of the emulator stays off.
SERVICES = (
    "apigateway",
    "cloudformation",
    "dynamodb",
    "ec2",
    "ecr",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "sts",
)

ACCOUNT = "000000000000"
REGION = "us-east-1"

#: Marks every process of a sandbox, so that none of them outlives it unnoticed.
MARKER = "TANDEM_SANDBOX"


@dataclass(frozen=True)
class ServerSettings:
    """One embedded AWS.

    Attributes:
        state_dir: where its files are kept.
        port: the port of 127.0.0.1 that it listens on; 0 takes a free one.
        speed: how fast its clock runs; 1 is real time.
        enforce_iam: whether callers need permissions, as on AWS.
        sandbox_id: the value of the marker in the environment of its processes.
        start: what its clock shows first; the present when it is None.
    """

    state_dir: Path
    port: int
    speed: float
    enforce_iam: bool
    sandbox_id: str
    start: datetime | None = None


def configure(settings: ServerSettings, *, port: int) -> None:
    """Set the emulator's environment variables; to be called before its first import.

    Args:
        settings: the server's settings.
        port: the port that was really taken.
    """
    # The emulator would look for containers to reap and to run Lambdas in; the sandbox must leave Docker alone.
    sys.modules["docker"] = None  # type: ignore[assignment]  # the documented way to make an import fail
    os.environ.update(
        {
            "AUTH": str(settings.enforce_iam).lower(),
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_EXECUTOR": "local",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "PERSIST_STATE": "0",
            "S3_PERSIST": "0",
            "SERVICES": ",".join(SERVICES),
            "SFTP_ENABLED": "0",
            "TMPDIR": str(settings.state_dir / "tmp"),
            "USE_SSL": "0",
            MARKER: settings.sandbox_id,
        }
    )
