"""Outcomes become ground truth: JSON lines that the monitor joins with what was answered.

AWS page "Ingest ground truth labels and merge them with predictions". One line tells what is known of one request, in
the order of its records. Files of an hour sort by the moment at which they were told, so that what was told last
counts, as it does within one body; the monitor puts the records of one request together, and telling the same twice
changes nothing.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from application.problems import UNREADABLE, ProblemError
from lambdas.shared import clock
from lambdas.shared.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX: Final = "ground-truth/"

Told = dict[str, dict[int, Any]]
"""Outcomes by request and position."""


class Outcomes:
    """Writes ground truth."""

    def __init__(self, s3: "Callable[[], S3Client]", *, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def tell(self, outcomes: Sequence[Mapping[str, Any]]) -> int:
        """Write outcomes that keep the contract, and return how many.

        Raises:
            ProblemError: they could not be written; none was.
        """
        content = "".join(f"{_line(request, known)}\n" for request, known in _by_request(outcomes).items()).encode()
        now = clock.now()
        name = f"{now:%M%S.%f}-{hashlib.sha256(content).hexdigest()[:16]}.jsonl"
        try:
            self._s3().put_object(
                Bucket=self._bucket,
                Key=f"{PREFIX}{now:%Y/%m/%d/%H}/{name}",
                Body=content,
                ContentType="application/x-ndjson",
            )
        except (ClientError, BotoCoreError) as error:
            logger.warning("outcomes not written", error=type(error).__name__)
            raise ProblemError(
                UNREADABLE,
                "The outcomes could not be written. Tell them again; telling some of them twice does no harm.",
                headers={"Retry-After": "5"},
            ) from error
        return len(outcomes)


def _by_request(outcomes: Sequence[Mapping[str, Any]]) -> Told:
    told: Told = {}
    for each in outcomes:
        request, _, position = each["inference_id"].rpartition(".")
        told.setdefault(request, {})[int(position)] = each["outcome"]
    return told


def _line(request: str, known: Mapping[int, Any]) -> str:
    labels = [known.get(position) for position in range(max(known) + 1)]
    return json.dumps(
        {
            "groundTruthData": {"data": json.dumps(labels), "encoding": "JSON"},
            "eventMetadata": {"eventId": request},
            "eventVersion": "0",
        },
        separators=(",", ":"),
    )
