"""Puts the closing of runs together for this function; the closing itself is shared with StartTraining."""

from lambdas.close_training.environment import CloseTrainingEnvironment
from lambdas.shared import clients
from lambdas.shared.closing import RunCloser
from lambdas.shared.ledger import Ledger
from lambdas.shared.notifications import Notifier
from lambdas.shared.wake_up import RetrainQueue


def build(environment: CloseTrainingEnvironment) -> RunCloser:
    """Connect the closing of runs with the resources of this stage."""
    return RunCloser(
        ledger=Ledger(clients.dynamodb(), table=environment.ledger_table),
        sagemaker=clients.sagemaker(),
        s3=clients.s3(),
        queue=RetrainQueue(clients.sqs(), url=environment.retrain_queue_url),
        notifier=Notifier(clients.sns(), topic_arn=environment.notification_topic_arn, stage=environment.stage),
        artifacts_bucket=environment.artifacts_bucket,
    )
