"""Deletes models and endpoint configurations that nobody will go back to soon.

What serves, what is about to serve, what is live in the ledger and what was live before it always stay. A deleted one
costs nothing: its name says what it contains, and a deployment of the version makes it again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lambdas.shared import clock, ledger
from lambdas.shared.endpoints import Endpoint, is_validation_error
from lambdas.shared.errors import ConflictError
from lambdas.shared.ledger import Ledger
from lambdas.shared.records import Deployment
from lambdas.shared.telemetry import count, logger

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


def superfluous(deployments: Sequence[Deployment], endpoint: Endpoint, *, keep: int) -> Iterator[Deployment]:
    """Yield the settled deployments beyond the newest ``keep`` whose parts may go, oldest first (pure)."""
    newest_first = sorted(deployments, key=lambda each: each.sequence, reverse=True)
    live = [each for each in newest_first if each.is_proven]
    kept = {each.endpoint_config for each in [*newest_first[:keep], *live[:2]]}
    kept |= {each.endpoint_config for each in newest_first if each.is_open}
    kept |= {config for config in (endpoint.serving, endpoint.pending) if config}
    for deployment in reversed(newest_first):
        if deployment.endpoint_config not in kept and deployment.tidied_at is None:
            yield deployment


class Tidier:
    """Deletes what is superfluous."""

    def __init__(self, sagemaker: "SageMakerClient", ledger: Ledger, *, keep: int) -> None:
        """Describe it; ``keep`` deployments are kept whatever became of them."""
        self._sagemaker = sagemaker
        self._ledger = ledger
        self._keep = keep

    def tidy(self, endpoint: Endpoint) -> None:
        """Delete what is superfluous now; a deployment that is requested again meanwhile makes its parts again."""
        deployments = self._ledger.deployments()
        going = list(superfluous(deployments, endpoint, keep=self._keep))
        gone = {each.endpoint_config for each in going}
        staying = {
            each.model_name for each in deployments if each.endpoint_config not in gone and each.tidied_at is None
        }
        for deployment in going:
            self._delete(deployment, model_stays=deployment.model_name in staying)

    def _delete(self, deployment: Deployment, *, model_stays: bool) -> None:
        with _gone_already():
            self._sagemaker.delete_endpoint_config(EndpointConfigName=deployment.endpoint_config)
        if deployment.model_name and not model_stays:
            with _gone_already():
                self._sagemaker.delete_model(ModelName=deployment.model_name)
        try:
            self._ledger.commit(ledger.put_tidied(deployment.model_copy(update={"tidied_at": clock.now()})))
        except ConflictError:
            logger.info("requested again meanwhile", config=deployment.endpoint_config)
        else:
            count("DeploymentsTidied")


@contextmanager
def _gone_already() -> Iterator[None]:
    """Go on when there is nothing to delete any more: an earlier delivery came so far."""
    try:
        yield
    except ClientError as error:
        if not is_validation_error(error, "Could not find"):
            raise
