"""Which contract a model version speaks, and what an application on record objects to in it.

The Evaluate step leaves the contract that lies in the model's archive beside its evaluation:
``runs/<run id>/evaluate/contract.json``. The package names the evaluation (``evaluation_uri``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdas.shared.compatibility import ContractError, Incompatibility, incompatibilities, parse
from lambdas.shared.records import ApplicationContract

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker.type_defs import DescribeModelPackageOutputTypeDef

CONTRACT = "contract.json"


@dataclass(frozen=True)
class Pairing:
    """The application on record beside one model version."""

    application: ApplicationContract
    objections: tuple[Incompatibility, ...]


def contract_of(package: "DescribeModelPackageOutputTypeDef", s3: "S3Client") -> Mapping[str, Any] | None:
    """Read the contract of a model version; ``None`` for one that an earlier release registered without it.

    Raises:
        ContractError: what lies there describes no contract that this release knows.
    """
    uri = package.get("CustomerMetadataProperties", {}).get("evaluation_uri", "")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not bucket or not key:
        return None
    try:
        answer = s3.get_object(Bucket=bucket, Key=f"{key.rpartition('/')[0]}/{CONTRACT}")
    except s3.exceptions.NoSuchKey:
        return None
    return parse(answer["Body"].read())


def objections(
    application: Mapping[str, Any], package: "DescribeModelPackageOutputTypeDef", s3: "S3Client"
) -> tuple[Incompatibility, ...]:
    """Return why an application cannot work with a model version. What cannot be compared is an objection too."""
    version = package.get("ModelPackageVersion")
    try:
        model = contract_of(package, s3)
        if model is not None:
            return tuple(incompatibilities(application, model))
    except ContractError as error:
        sentence = f"version {version} and the application cannot be compared, a contract is unreadable: {error}"
        return (Incompatibility("contract", "contract-unreadable", f"{sentence}; repair it, then try again"),)
    sentence = (
        f"version {version} was registered by an earlier release without its contract ({CONTRACT} beside the "
        "evaluation): train again, a new version carries it"
    )
    return (Incompatibility("contract", "contract-unknown", sentence),)
