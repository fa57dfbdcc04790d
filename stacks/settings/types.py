"""Value types of ``project.toml``: each carries its bounds and the sentence that explains them to a person."""

import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints

from stacks.settings.schedule import longest_pause

Task = Literal["regression", "binary_classification"]
Direction = Literal["minimize", "maximize"]
Metric = Literal["rmse", "mae", "auc", "log_loss"]
Cluster = Literal["hour", "day", "week"]
Approval = Literal["automatic", "manual"]
NewData = Literal["always", "first"]
Engine = Literal["arrow", "spark"]
Window = Literal["hour", "day"]
Strategy = Literal["canary", "linear", "all_at_once"]
Authorization = Literal["iam", "jwt"]
Network = Literal["public", "isolated"]
Source = Literal["connection", "codecommit", "s3"]
Audit = Literal["required", "told"]


@dataclass(frozen=True)
class MetricRule:
    """For which task a metric is defined, and which way is better."""

    task: Task
    direction: Direction


METRICS: Final[dict[Metric, MetricRule]] = {
    "rmse": MetricRule("regression", "minimize"),
    "mae": MetricRule("regression", "minimize"),
    "auc": MetricRule("binary_classification", "maximize"),
    "log_loss": MetricRule("binary_classification", "minimize"),
}


@dataclass(frozen=True)
class Allowed:
    """What a value may be, in words, where bounds alone would not tell (patterns, rules of AWS)."""

    text: str


# The name is a Python package and part of SageMaker names; letters and digits are what both accept.
# 24 + 1 + 16 (environment) leaves 22 of SageMaker's 63 characters for "-v<version>-<hash>".
ProjectName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9]{1,23}$"),
    Allowed("2 to 24 lower-case letters and digits, starting with a letter"),
]
EnvironmentName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z](-?[a-z0-9]){1,15}$", max_length=16),
    Allowed("2 to 16 lower-case letters, digits and single hyphens, starting with a letter"),
]
ColumnName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"),
    Allowed("a column name of letters, digits and underscores, at most 128 characters"),
]
Prefix = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._=-]*/)+$", max_length=200),
    Allowed('an S3 key prefix that ends with "/" and does not start with it, at most 200 characters'),
]
HyperparameterName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$"),
    Allowed("letters, digits and underscores, starting with a letter, at most 64 characters"),
]
HyperparameterValue = Annotated[
    bool | int | float | Annotated[str, StringConstraints(max_length=256)],
    Allowed("a number, a boolean or a text of at most 256 characters"),
]
AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$"), Allowed("an AWS account id: 12 digits in quotes")]
Region = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$"),
    Allowed('an AWS region such as "eu-central-1"'),
]
Email = Annotated[
    str,
    StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254),
    Allowed('an e-mail address such as "ml-team@example.com"'),
]
Issuer = Annotated[
    str,
    StringConstraints(pattern=r"^https://[^\s?#]+$", max_length=512),
    Allowed('the https address of an OpenID Connect issuer, as its tokens name it in "iss"'),
]
Audience = Annotated[
    str, StringConstraints(pattern=r"^\S{1,256}$"), Allowed('a value of the claim "aud" (or "client_id") of its tokens')
]
SecretName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9/_+=.@][A-Za-z0-9/_+=.@-]{0,511}$"),
    Allowed(
        "the name of a secret in AWS Secrets Manager (not its ARN): letters, digits and /_+=.@-, no hyphen in front"
    ),
]
ConnectionArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:[0-9]{12}:connection/\S+$"
    ),
    Allowed(
        'the ARN of a connection of AWS CodeConnections, "arn:aws:codeconnections:<region>:<account>:connection/<id>"'
    ),
]
RepositoryName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", max_length=200),
    Allowed('"owner/name" for a connection, the name of a repository of CodeCommit, or the name of a bucket for s3'),
]
BranchName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_./-]+$", max_length=255),
    Allowed("the name of a branch, at most 255 characters"),
]
ObjectKey = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_./=-]+\.zip$", max_length=512),
    Allowed('the key of a zip file such as "source.zip"'),
]
KeyArn = Annotated[
    str,
    StringConstraints(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,64}$"),
    Allowed('the ARN of a KMS key, "arn:aws:kms:<region>:<account>:key/<id>"; no alias, which no policy can name'),
]
PolicyName = Annotated[
    str,
    StringConstraints(pattern=r"^[\w+=,.@-]{1,128}$"),
    Allowed("the name of a managed IAM policy, at most 128 characters"),
]
TagKey = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9 _.:/=+@-]{1,128}$"),
    Allowed("a tag key of at most 128 letters, digits, spaces and _.:/=+@-"),
]
TagValue = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9 _.:/=+@-]{0,256}$"),
    Allowed("a tag value of at most 256 letters, digits, spaces and _.:/=+@-"),
]

_LOCAL_STORAGE: Final = re.compile(r"^ml\.([a-z]+[0-9]+[a-z]*d|dl[0-9]|g[5-9]|p[5-9]|trn[0-9])")
"""Families with local NVMe storage: a "d" after the generation, and accelerators that never say it.

API reference of SageMaker, ``VolumeKmsKeyId`` of "ProcessingClusterConfig" and "ResourceConfig": a job cannot ask for a
key there. ``KmsKeyId`` of "CreateEndpointConfig" exists in two versions: the call fails, or the key does not encrypt
that storage. Amazon EC2 User Guide, "Instance store volumes", lists the families.
"""
_GRAVITON: Final = re.compile(r"^ml\.[a-z]+[0-9]+[a-z]*g")


def _x86(value: str) -> str:
    if _GRAVITON.match(value):
        raise ValueError("an instance type with an Arm processor")
    return value


def _under_the_key(value: str) -> str:
    if _LOCAL_STORAGE.match(value):
        raise ValueError("an instance type with local storage")
    return value


InstanceType = Annotated[
    str,
    StringConstraints(pattern=r"^ml\.[a-z][a-z0-9-]*\.(medium|large|xlarge|[0-9]+xlarge)$"),
    AfterValidator(_x86),
    AfterValidator(_under_the_key),
    Allowed(
        'an x86 SageMaker instance type without local storage such as "ml.m5.large" (the image is not built for Arm, '
        "and the project's key cannot encrypt the local storage of families such as m5d, g5 or p4d)"
    ),
]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


def _schedule(value: str) -> str:
    longest_pause(value)
    return value


ScheduleExpression = Annotated[
    str,
    StringConstraints(max_length=256),
    AfterValidator(_schedule),
    Allowed(
        'a schedule of EventBridge Scheduler in UTC that has no end, such as "rate(1 day)" or "cron(15 1 * * ? *)": '
        'minutes, hours, day of the month, month, day of the week, year; "?" in one of the day fields, "*" as the year'
    ),
]
