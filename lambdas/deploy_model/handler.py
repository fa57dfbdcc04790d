"""Entry point of DeployModel: parses the queue's messages and hands them to the core one by one.

AWS calls: dynamodb GetItem, Query, PutItem (also in transactions) on the ledger; sagemaker DescribeModelPackage and
UpdateModelPackage (life-cycle stage) on the group's packages, CreateModel (with iam PassRole of the execution role),
CreateEndpointConfig, DescribeEndpoint, CreateEndpoint, UpdateEndpoint, DeleteEndpoint (only of an endpoint that could
not be created); s3 GetObject on ``runs/*`` of the artifacts bucket and ListBucket (without it S3 answers 403 for what
is not there), once an application is on record; cloudwatch DescribeAlarms on the rollback alarms; sqs GetQueueUrl,
SendMessage on its own queue; sns Publish on the notification topic; with a customer key also kms CreateGrant,
DescribeKey and Decrypt.
"""

from typing import TYPE_CHECKING, Any

from lambdas.deploy_model.core import ModelDeployer
from lambdas.deploy_model.environment import DeployModelEnvironment
from lambdas.deploy_model.events import DeploymentMessage, PackageStateChange, Request
from lambdas.deploy_model.waiting import Ticket, send_back
from lambdas.shared import clients
from lambdas.shared.events import parse_body
from lambdas.shared.messages import each_message
from lambdas.shared.telemetry import instrument

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext


@instrument
def handler(event: dict[str, Any], context: "LambdaContext") -> Any:
    """Serve every request for deployment; those that have to wait go back to the queue."""
    deployer = ModelDeployer(DeployModelEnvironment.load())

    def deploy(record: "SQSRecord") -> None:
        message = parse_body(record.body, DeploymentMessage).root
        if isinstance(message, PackageStateChange) and not message.is_about_approval:
            return
        ticket = Ticket.of(record)
        wait = deployer.serve(Request.of(message, message_id=ticket.request_id))
        if wait is not None:
            send_back(clients.sqs(), record, ticket=ticket, reason=wait.reason)

    return each_message(event, context, act=deploy)
