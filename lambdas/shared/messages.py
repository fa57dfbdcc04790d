"""SQS batches: each message on its own, failures reported one by one (``ReportBatchItemFailures``).

AWS page: "Using Lambda with Amazon SQS", section "Reporting batch item failures".
"""

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType

from lambdas.shared.errors import NotYetError
from lambdas.shared.telemetry import count, logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext


def each_message(
    event: dict[str, Any], context: "LambdaContext", *, act: "Callable[[SQSRecord], None]"
) -> "PartialItemFailureResponse":
    """Run ``act`` on every message and return those that have to be delivered again, also when that is all of them.

    A message that has to wait is no error of the function: what fails for good is told by the dead-letter queue.
    """

    def guarded(record: "SQSRecord") -> None:
        try:
            act(record)
        except NotYetError as error:
            logger.info("message has to come back", message_id=record.message_id, reason=str(error))
            count("PostponedMessages")
            raise
        except Exception:
            logger.exception("message failed", message_id=record.message_id, body=record.body[:2000])
            count("FailedMessages")
            raise

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    records: list[dict[str, Any]] = event["Records"]
    count("Messages", len(records))
    with processor(records=records, handler=guarded, lambda_context=context):
        processor.process()
    return processor.response()
