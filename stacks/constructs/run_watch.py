"""EventBridge Scheduler → the queue of CloseTraining: time to look at the run in flight."""

import json
from typing import Final

from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.event_path import EventPath
from stacks.constructs.notifications import Notifications
from stacks.constructs.schedule import SCHEDULED_TIME, Failure, Schedule, Target

_OFTEN: Final = "rate(6 hours)"
"""How late a run is stopped at the most, or its end found that no event told: about what a run may take by default."""


class RunWatch(Schedule):
    """Asks CloseTraining to look at the run in flight, with the time for which that was scheduled."""

    def __init__(
        self, scope: Construct, construct_id: str, *, closing: EventPath, notifications: Notifications, key: kms.IKey
    ) -> None:
        """Define the schedule.

        Args:
            scope: parent construct.
            construct_id: id.
            closing: the path to CloseTraining.
            notifications: who hears that nobody looks.
            key: encrypts what is kept of a look that could not be asked for.
        """
        message = {"source": "tandem", "detail-type": "Training Watch Due", "detail": {"at": SCHEDULED_TIME}}
        super().__init__(
            scope,
            construct_id,
            description="Has CloseTraining look at the run in flight",
            expression=_OFTEN,
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
