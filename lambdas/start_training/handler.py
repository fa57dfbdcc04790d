"""Entry point of StartTraining: parses the retrain queue's messages and hands them over together.

AWS calls: dynamodb GetItem, PutItem (also in transactions) on the ledger; s3 ListBucket, ListBucketVersions on the data
bucket; s3 PutObject, GetObject on ``snapshots/*`` of the artifacts bucket; sagemaker StartPipelineExecution,
DescribePipelineExecution; sqs SendMessage on the retrain queue; sns Publish on the notification topic. To close a run
whose end was missed, also what CloseTraining calls.
"""

from typing import TYPE_CHECKING, Any

from lambdas.shared.events import parse_body
from lambdas.shared.messages import each_message
from lambdas.shared.telemetry import instrument
from lambdas.start_training.core import TrainingStarter
from lambdas.start_training.environment import StartTrainingEnvironment
from lambdas.start_training.events import AlarmChange, AlarmStateChange, Request, RetrainMessage

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext


@instrument
def handler(event: dict[str, Any], context: "LambdaContext") -> Any:
    """Serve all well-formed messages with one decision; report the malformed ones.

    An exception while serving fails the invocation, so that Lambda delivers the whole batch again.
    """
    environment = StartTrainingEnvironment.load()
    requests: list[Request] = []
    changes: list[AlarmChange] = []

    def collect(record: "SQSRecord") -> None:
        message = parse_body(record.body, RetrainMessage).root
        if not isinstance(message, AlarmStateChange):
            requests.append(Request.of(message, message_id=record.message_id))
        elif change := AlarmChange.of(message, stage=environment.stage):
            changes.append(change)

    failures = each_message(event, context, act=collect)
    if requests or changes:
        TrainingStarter(environment).serve(requests, changes)
    return failures
