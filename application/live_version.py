"""Which version is live and what it was trained on, remembered in the process for a minute.

Both come from the ledger and from what the training run left in the artifacts bucket. A version's own facts never
change, so they are kept by version; which version is live, and that something could not be read, is asked again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from application import trained_range
from application.contract import Contract
from application.trained_range import NOTHING, TrainedRange
from lambdas.shared.evaluation import Evaluation, evaluation_key, read_evaluation
from lambdas.shared.ledger import Ledger
from lambdas.shared.records import Deployment, LiveModel, Run
from lambdas.shared.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEPT_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 1.5
"""What one call takes at most, by the time-outs of its client; a second more has to be left, or none is begun."""
_MOST_VERSIONS: Final = 4
"""A rollout has two versions; the others are those of a rollback."""

Left = Callable[[], float]
"""Seconds that the function may still run."""


@dataclass(frozen=True)
class Facts:
    """What is on record of the live version.

    Attributes:
        live: the version.
        deployment: that made it live, unless another one was requested since.
        run: that trained it, if it was started by Tandem.
        evaluation: of the run.
    """

    live: LiveModel
    deployment: Deployment | None
    run: Run | None
    evaluation: Evaluation


class OutOfTimeError(Exception):
    """The function has to answer now."""


class LiveVersion:
    """Looks at ledger and artifacts, and remembers."""

    def __init__(
        self,
        *,
        ledger: Callable[[], Ledger],
        s3: Callable[[], "S3Client"],
        artifacts_bucket: str,
        contract: Contract,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Describe it; the clients are made when they are first needed, which most starts never do."""
        self._ledger = ledger
        self._s3 = s3
        self._bucket = artifacts_bucket
        self._contract = contract
        self._clock = clock
        self._live: tuple[float, LiveModel | None] | None = None
        self._ranges: dict[str, TrainedRange] = {}
        self._unknown: dict[str | None, float] = {}

    def live(self) -> LiveModel | None:
        """Return what is live, as it was at most a minute ago; what is newly live is seen at once where nothing was.

        Raises:
            ClientError, BotoCoreError: the ledger cannot be read.
        """
        now = self._clock()
        if self._live is None or self._live[1] is None or self._live[0] <= now:
            self._live = (now + KEPT_SECONDS, self._ledger().live())
        return self._live[1]

    def facts(self) -> Facts | None:
        """Return what is on record of the live version, read anew; ``None`` before the first one.

        Raises:
            ClientError, BotoCoreError: ledger or artifacts cannot be read.
        """
        ledger = self._ledger()
        live = ledger.live()
        if live is None:
            return None
        newest = ledger.newest_deployment()
        is_its_own = newest is not None and newest.sequence == live.sequence
        return Facts(
            live=live,
            deployment=newest if is_its_own else None,
            run=ledger.run(live.run_id) if live.run_id else None,
            evaluation=self._evaluation(live.run_id) if live.run_id else Evaluation(),
        )

    def trained_range(self, version: str | None, *, left: Left) -> TrainedRange:
        """Return what a version was trained on; nothing when that cannot be found out, which is logged.

        Args:
            version: that answered; ``None`` stands for the live one.
            left: tells how much time there is.
        """
        known = self._ranges.get(version) if version is not None else None
        if known is not None:
            return known
        now = self._clock()
        if self._unknown.get(version, now) > now:
            return NOTHING
        try:
            return self._find(version, left=left)
        except (ClientError, BotoCoreError, ValueError, LookupError, OutOfTimeError) as error:
            # pydantic's errors are ValueErrors; a text of theirs could quote a record of the ledger, never a request.
            logger.warning("no trained range", model_version=version, error=type(error).__name__, why=str(error)[:200])
            self._unknown = {**_last(self._unknown), version: now + KEPT_SECONDS}
            return NOTHING

    def _find(self, version: str | None, *, left: Left) -> TrainedRange:
        _enough(left)
        live = self.live()
        if live is None:
            raise LookupError("nothing is live")
        wanted = version or str(live.version)
        if wanted in self._ranges:
            return self._ranges[wanted]
        run_id = live.run_id if wanted == str(live.version) else self._run_of_newest(wanted, left=left)
        if run_id is None:
            raise LookupError(f"nobody knows which run trained version {wanted}")
        _enough(left)
        found = self._s3().get_object(Bucket=self._bucket, Key=f"runs/{run_id}/evaluate/baseline.json")
        trained = trained_range.read(found["Body"].read(), self._contract.inputs)
        self._ranges = {**_last(self._ranges), wanted: trained}
        return trained

    def _run_of_newest(self, version: str, *, left: Left) -> str | None:
        """Return the run of a version that is being rolled out: the newest deployment is its."""
        _enough(left, calls=2)
        newest = self._ledger().newest_deployment()
        return newest.run_id if newest is not None and str(newest.version) == version else None

    def _evaluation(self, run_id: str) -> Evaluation:
        s3 = self._s3()
        try:
            answer = s3.get_object(Bucket=self._bucket, Key=evaluation_key(run_id))
        except s3.exceptions.NoSuchKey:
            return Evaluation()
        return read_evaluation(answer["Body"].read()) or Evaluation()


def _enough(left: Left, *, calls: int = 1) -> None:
    if left() < calls * LOOK_SECONDS + 1:
        raise OutOfTimeError("too little time is left to look")


def _last(known: dict[Any, Any]) -> dict[Any, Any]:
    return dict(list(known.items())[1 - _MOST_VERSIONS :])
