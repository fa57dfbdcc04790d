"""What the champion was trained on: the profile that its run left behind, found at run time."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.steps.profile import PROFILE, Profile, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

NO_CHAMPION = "none"
_URI = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<prefix>.+)")


@dataclass(frozen=True)
class Baseline:
    """The champion's training rows, or why there are none to compare with.

    Attributes:
        profile: of the rows; ``None`` leaves the contract alone to judge by.
        run_id: the run that trained the champion.
        reason: why there is no profile.
    """

    profile: Profile | None = None
    run_id: str | None = None
    reason: str | None = None


def find(
    champion: str, *, runs_uri: str, sagemaker: "Callable[[], SageMakerClient]", s3: "Callable[[], S3Client]"
) -> Baseline:
    """Read the profile that the champion's run left in its outputs.

    Whatever is missing is told and not an error: whether a champion that cannot be read stops the run is for step
    Evaluate to say.

    Args:
        champion: ARN of the champion's model package, or ``none``.
        runs_uri: where runs leave their outputs, ``s3://bucket/runs``.
        sagemaker: makes a client that may describe the package.
        s3: makes a client that may read the outputs.

    Raises:
        StepError: when there is a profile and it cannot be understood.
    """
    if champion == NO_CHAMPION:
        return Baseline(reason="there is no champion yet")
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  # only where there is a champion

    where = _URI.fullmatch(runs_uri)
    run_id = None
    try:
        described = sagemaker().describe_model_package(ModelPackageName=champion)
        run_id = described.get("CustomerMetadataProperties", {}).get("run_id")
        if run_id is None or where is None:
            return Baseline(reason=f"champion {champion} does not tell which run trained it")
        key = f"{where['prefix']}/{run_id}/prepare/report/{PROFILE}"
        body = s3().get_object(Bucket=where["bucket"], Key=key)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        return Baseline(run_id=run_id, reason=f"the profile of champion {champion} cannot be read: {error}")
    return Baseline(profile=parse(body), run_id=run_id)
