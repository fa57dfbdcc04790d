"""The function behind the HTTP API: puts the application together when the process starts, and answers events.

AWS calls: sagemaker-runtime InvokeEndpoint on the endpoint; dynamodb GetItem on the ledger; s3 GetObject on ``runs/*``
of the artifacts bucket, PutObject on ``ground-truth/*`` of the data bucket.
"""

from typing import TYPE_CHECKING, Any

from application import clients, contract
from application.api import Api
from application.endpoint_client import Endpoint
from application.environment import ApplicationEnvironment
from application.live_version import LiveVersion
from application.outcomes import Outcomes
from lambdas.shared.ledger import Ledger
from lambdas.shared.telemetry import instrument

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


def build(environment: ApplicationEnvironment, spoken: contract.Contract) -> Api:
    """Put the application together."""
    return Api(
        spoken,
        endpoint=Endpoint(clients.runtime(environment.timeout_seconds), name=environment.endpoint_name),
        live=LiveVersion(
            ledger=lambda: Ledger(clients.dynamodb(), table=environment.ledger_table),
            s3=clients.s3,
            artifacts_bucket=environment.artifacts_bucket,
            contract=spoken,
        ),
        outcomes=Outcomes(lambda: clients.ground_truth(environment.timeout_seconds), bucket=environment.data_bucket),
        max_records=environment.max_records,
        code_version=environment.code_version,
    )


# While Lambda starts a process it gives it a full CPU; the first request should not wait for this.
_API = build(ApplicationEnvironment.load(), contract.load())


@instrument
def handler(event: dict[str, Any], context: "LambdaContext") -> Any:
    """Answer one request."""
    return _API.answer(event, context)
