"""Model versions in the registry: what is on record about one, whether it may serve, and what people decide on it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from botocore.exceptions import ClientError

from lambdas.shared.compatibility import in_words
from lambdas.shared.contracts import objections
from ops.errors import OpsError
from ops.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeModelPackageOutputTypeDef

APPROVED: Final = "Approved"
REJECTED: Final = "Rejected"
_DESCRIPTION_LIMIT = 1024


def describe(stage: Stage, version: int) -> "DescribeModelPackageOutputTypeDef":
    """Find a version; its ARN is the group's with the number.

    Raises:
        OpsError: There is no such version.
    """
    group = stage.package_group
    described = stage.target.sagemaker.describe_model_package_group(ModelPackageGroupName=group)
    arn = f"{described['ModelPackageGroupArn'].replace(':model-package-group/', ':model-package/')}/{version}"
    package = look_up(stage, arn)
    if package is None:
        raise OpsError(f"{group} has no version {version}; `python -m ops history` shows which there are")
    return package


def look_up(stage: Stage, package_arn: str) -> "DescribeModelPackageOutputTypeDef | None":
    """Describe a version by its ARN; None when it is not in the registry any more.

    Raises:
        OpsError: SageMaker refused to say.
    """
    try:
        return stage.target.sagemaker.describe_model_package(ModelPackageName=package_arn)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":  # what SageMaker answers for an absent version
            raise OpsError(f"SageMaker refused to describe {package_arn}: {error}") from error
        return None


def approval(package: "DescribeModelPackageOutputTypeDef") -> str:
    """Whether people want it; a package that says nothing waits for their decision."""
    return package.get("ModelApprovalStatus", "PendingManualApproval")


@dataclass(frozen=True)
class Hindrance:
    """Why a version may not serve, and what to do about it."""

    what: str
    fix: str


def hindrance(stage: Stage, package: "DescribeModelPackageOutputTypeDef | None") -> Hindrance | None:
    """Judge as DeployModel does whether a version may serve; None when it may."""
    if package is None:
        return Hindrance("not in the registry any more", "train again")
    version = package["ModelPackageVersion"]
    if package["ModelPackageStatus"] != "Completed":
        return Hindrance(package["ModelPackageStatus"], "register it again")
    if approval(package) != APPROVED:
        return Hindrance(approval(package), f"`python -m ops approve {version}` approves it")
    application = stage.ledger.application()
    found = objections(application.document, package, stage.target.s3) if application else ()
    if not found:
        return None
    what = f"nothing that the delivered application can work with ({in_words(found)})"
    return Hindrance(what, "do what is named on one of the two sides (docs/contract.md)")


def decide(
    stage: Stage, package_arn: str, status: Literal["Approved", "Rejected"], *, by: str, reason: str | None
) -> str:
    """Approve or reject a version; return what is on record about it now."""
    # The registry takes one line (ApprovalDescription in the API reference).
    description = " ".join(f"{by}: {reason or 'no reason given'}".split())[:_DESCRIPTION_LIMIT]
    stage.target.sagemaker.update_model_package(
        ModelPackageArn=package_arn, ModelApprovalStatus=status, ApprovalDescription=description
    )
    return description
