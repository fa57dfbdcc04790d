"""Entry point of CloseTraining: parses the queue's messages and hands them to the core.

AWS calls: dynamodb GetItem, PutItem (also in transactions) on the ledger; sagemaker DescribePipelineExecution,
ListPipelineExecutionSteps, StopPipelineExecution on the pipeline's executions; s3 GetObject on
``runs/*/evaluate/evaluation.json`` of the artifacts bucket (ListBucket there: a missing report is "not found", and the
report for people is looked for); sqs SendMessage on the retrain queue; sns Publish on the notification topic.
"""

from typing import TYPE_CHECKING, Any

from lambdas.close_training.core import build
from lambdas.close_training.environment import CloseTrainingEnvironment
from lambdas.close_training.events import ClosingMessage
from lambdas.shared.events import parse_body
from lambdas.shared.messages import each_message
from lambdas.shared.telemetry import instrument

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext


@instrument
def handler(event: dict[str, Any], context: "LambdaContext") -> Any:
    """Close the run of every execution that ended, and look at the run in flight when that is due."""
    closer = build(CloseTrainingEnvironment.load())

    def close(record: "SQSRecord") -> None:
        closer.act(parse_body(record.body, ClosingMessage))

    return each_message(event, context, act=close)
