"""The profile of the rows that the champion was trained on, from the run that made it."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.steps.profile import PROFILE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ARCHIVE = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<run>.+)/model/model\.tar\.gz")


def fetch(archive: str, to: Path, s3: "S3Client") -> None:
    """Bring the profile to disk; a champion whose run left none, or whose archive lies elsewhere, has none.

    The report is worth having without it, so nothing that S3 answers stops the run here.

    Args:
        archive: S3 URI of the champion's ``model.tar.gz``.
        to: file to write.
        s3: client that may read the run's outputs.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  # only where there is a champion

    where = _ARCHIVE.fullmatch(archive)
    if where is None:
        return
    key = f"{where['run']}/prepare/report/{PROFILE}"
    try:
        to.write_bytes(s3.get_object(Bucket=where["bucket"], Key=key)["Body"].read())
    except (ClientError, BotoCoreError) as error:
        print(f"no profile of the champion's training rows at s3://{where['bucket']}/{key}: {error}")  # noqa: T201  # the job's log
