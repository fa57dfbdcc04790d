"""Puts the parts of this function together; the closing itself is shared with StartTraining."""

from dataclasses import dataclass

from lambdas.close_training.environment import CloseTrainingEnvironment
from lambdas.close_training.events import ClosingMessage, WatchDue
from lambdas.close_training.watch import RunWatch
from lambdas.shared import clients
from lambdas.shared.closing import RunCloser
from lambdas.shared.ledger import Ledger
from lambdas.shared.notifications import Notifier
from lambdas.shared.wake_up import RetrainQueue


@dataclass(frozen=True)
class TrainingCloser:
    """Acts on the messages of the closing queue."""

    closer: RunCloser
    watch: RunWatch

    def act(self, message: ClosingMessage) -> None:
        """Close the run of an execution that ended, or look at the run in flight."""
        match message.root:
            case WatchDue(detail=due):
                self.watch.look(due.at)
            case change:
                self.closer.close(change.detail.execution_arn)


def build(environment: CloseTrainingEnvironment) -> TrainingCloser:
    """Connect the closing of runs with the resources of this stage."""
    ledger, sagemaker = Ledger(clients.dynamodb(), table=environment.ledger_table), clients.sagemaker()
    queue = RetrainQueue(clients.sqs(), url=environment.retrain_queue_url)
    notifier = Notifier(clients.sns(), topic_arn=environment.notification_topic_arn, stage=environment.stage)
    closer = RunCloser(
        ledger=ledger,
        sagemaker=sagemaker,
        s3=clients.s3(),
        queue=queue,
        notifier=notifier,
        artifacts_bucket=environment.artifacts_bucket,
    )
    watch = RunWatch(ledger=ledger, sagemaker=sagemaker, closer=closer, queue=queue, notifier=notifier)
    return TrainingCloser(closer, watch)
