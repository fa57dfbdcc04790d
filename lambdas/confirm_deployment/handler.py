"""Entry point of ConfirmDeployment: parses the queue's messages and hands them to the core one by one.

AWS calls: dynamodb GetItem, Query, PutItem (also in transactions) on the ledger; sagemaker DescribeEndpoint on the
endpoint, DescribeModelPackage and UpdateModelPackage (life-cycle stage) on the group's packages, DeleteEndpointConfig
and DeleteModel of former deployments; sns Publish on the notification topic.
"""

from typing import TYPE_CHECKING, Any

from lambdas.confirm_deployment.core import DeploymentConfirmer
from lambdas.confirm_deployment.environment import ConfirmDeploymentEnvironment
from lambdas.confirm_deployment.events import EndpointStateChange
from lambdas.shared.events import parse_body
from lambdas.shared.messages import each_message
from lambdas.shared.telemetry import instrument

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext


@instrument
def handler(event: dict[str, Any], context: "LambdaContext") -> Any:
    """Confirm what the endpoint serves after each of its changes."""
    confirmer = DeploymentConfirmer(ConfirmDeploymentEnvironment.load())

    def confirm(record: "SQSRecord") -> None:
        confirmer.confirm(parse_body(record.body, EndpointStateChange))

    return each_message(event, context, act=confirm)
