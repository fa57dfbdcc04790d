"""EventBridge Scheduler → the queue of CloseTraining: time to look at the run in flight."""

import json

from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.event_path import EventPath
from stacks.constructs.notifications import Notifications
from stacks.constructs.schedule import SCHEDULED_TIME, Failure, Schedule, Target


class RunWatch(Schedule):
    """Asks CloseTraining to look at the run in flight, with the time for which that was scheduled.

    It also looks when there is none, which costs next to nothing: one message, and one read of the ledger. A schedule
    for each run would need rights to make schedules and to hand on a role, and another interface endpoint in an
    isolated network.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        every_minutes: int,
        closing: EventPath,
        notifications: Notifications,
        key: kms.IKey,
    ) -> None:
        """Define the schedule.

        Args:
            scope: parent construct.
            construct_id: id.
            every_minutes: how often; so late a run is stopped at the most, or its end found that no event told.
            closing: the path to CloseTraining.
            notifications: who hears that nobody looks.
            key: encrypts what is kept of a look that could not be asked for.
        """
        message = {"source": "tandem", "detail-type": "Training Watch Due", "detail": {"at": SCHEDULED_TIME}}
        super().__init__(
            scope,
            construct_id,
            description="Has CloseTraining look at the run in flight",
            expression=f"rate({every_minutes} minutes)",
            target=Target(arn=closing.queue.queue_arn, input=json.dumps(message)),
            failure=Failure(
                task="having CloseTraining look at the run in flight",
                advice="until then nobody stops a run that hangs. The next look finds what missed ones would have.",
                runbook="run-watch",
            ),
            notifications=notifications,
            key=key,
        )
        closing.grant_ask(self.role)
