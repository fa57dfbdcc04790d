"""Calling a target: the rights of its role, retries, the dead-letter queue and the metrics.

AWS pages: "Configuring a schedule's dead-letter queue in EventBridge Scheduler", "RetryPolicy" (API Reference) and
"Monitoring Amazon EventBridge Scheduler with Amazon CloudWatch".
"""

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from sandbox.scheduler.schedule import Schedule
from sandbox.scheduler.targets import Call, Occasion, UnsupportedTargetError, call_of
from sandbox.scheduler.trust import trusts

_log = logging.getLogger(__name__)

#: The client of a service with the rights of a role, or of the account itself: `(service, role_arn) -> client`.
Clients = Callable[[str, str | None], Any]

_DEFAULT_RETRIES = 185
_THROTTLING = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"})
_MESSAGE_LENGTH = 1000


@dataclass(frozen=True)
class Failure:
    """Why a target could not be called.

    Attributes:
        code: the error code of the target's API.
        message: its message.
        retried: whether calling again could have helped, so that it was tried again and again.
        attempts: how often it was tried.
        sent: the last input, with its context attributes filled in.
    """

    code: str
    message: str
    retried: bool
    attempts: int
    sent: str


class Delivery:
    """Calls the targets of schedules."""

    def __init__(self, clients: Clients, *, endpoint_url: str) -> None:
        self._clients = clients
        self._endpoint_url = endpoint_url

    def deliver(self, schedule: Schedule, scheduled: datetime) -> Failure | None:
        """Call the target of a schedule that was due; what fails for good goes to its dead-letter queue.

        Between retries no time is waited: what takes AWS a day of growing pauses would help nobody here.

        Returns:
            Why it failed; None when the call was made.
        """
        most = 1 + int(schedule.target.get("RetryPolicy", {}).get("MaximumRetryAttempts", _DEFAULT_RETRIES))
        failure: Failure | None = None
        for attempt in range(1, most + 1):
            occasion = Occasion(schedule.arn, scheduled, execution_id=secrets.token_hex(8), attempt=attempt)
            failure = self._attempt(schedule, occasion)
            if failure is None or not failure.retried:
                break
        if failure is None:
            self._count(schedule, failure=None, kept=None)
            return None
        _log.warning(
            "the schedule %s could not call its target at %s: %s: %s",
            schedule.name,
            occasion.scheduled_time,
            failure.code,
            failure.message,
        )
        kept = self._keep(schedule, occasion, failure)
        self._count(schedule, failure=failure, kept=kept)
        return failure

    def _attempt(self, schedule: Schedule, occasion: Occasion) -> Failure | None:
        sent = occasion.fill_in(schedule.target.get("Input", ""))

        def failure(code: str, message: str, *, again: bool) -> Failure:
            return Failure(code=code, message=message, retried=again, attempts=occasion.attempt, sent=sent)

        if not self._is_trusted(schedule):
            problem = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
            return failure("AccessDenied", problem, again=False)
        try:
            self._make(call_of(schedule.target, occasion), role_arn=schedule.target["RoleArn"])
        except ClientError as error:
            details = error.response.get("Error", {})
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            code = str(details.get("Code", "Unknown"))
            again = status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in _THROTTLING
            return failure(code, str(details.get("Message", error)), again=again)
        except (ParamValidationError, UnsupportedTargetError, ValueError) as error:
            return failure("ValidationException", str(error), again=False)
        except BotoCoreError as error:
            return failure("AWS.Scheduler.InternalServerError", str(error), again=True)
        return None

    def _is_trusted(self, schedule: Schedule) -> bool:
        """Roles that do not exist are not looked into: only where permissions are enforced they have to."""
        try:
            role = self._clients("iam", None).get_role(RoleName=schedule.target["RoleArn"].rsplit("/", 1)[-1])
        except ClientError:
            return True
        return trusts(role["Role"]["AssumeRolePolicyDocument"], schedule_arn=schedule.arn)

    def _count(self, schedule: Schedule, *, failure: Failure | None, kept: bool | None) -> None:
        group = schedule.arn.rsplit("/", 2)[-2]
        counts = {
            "InvocationAttemptCount": 1 if failure is None else failure.attempts,
            "TargetErrorCount": 0 if failure is None else failure.attempts,
            "InvocationDroppedCount": int(failure is not None and kept is None),
            "InvocationsSentToDeadLetterCount": int(kept is True),
            "InvocationsFailedToBeSentToDeadLetterCount": int(kept is False),
        }
        data = [
            {"MetricName": name, "Dimensions": dimensions, "Value": count, "Unit": "Count"}
            for name, count in counts.items()
            if count
            for dimensions in ([], [{"Name": "ScheduleGroup", "Value": group}])
        ]
        self._clients("cloudwatch", None).put_metric_data(Namespace="AWS/Scheduler", MetricData=data)

    def _make(self, call: Call, *, role_arn: str) -> None:
        client = self._clients(call.service, role_arn)
        arguments = dict(call.arguments)
        if call.service == "sqs" and str(arguments.get("QueueUrl", "")).startswith("arn:"):
            arguments["QueueUrl"] = self._queue_url(arguments["QueueUrl"])
        answer = getattr(client, xform_name(call.operation))(**arguments)
        if call.operation == "PutEvents" and answer.get("FailedEntryCount"):
            entry = next(entry for entry in answer["Entries"] if "ErrorCode" in entry)
            raise ClientError(
                {"Error": {"Code": entry["ErrorCode"], "Message": entry.get("ErrorMessage", "")}}, call.operation
            )

    def _queue_url(self, arn: str) -> str:
        account, name = arn.split(":")[4:6]
        return f"{self._endpoint_url}/{account}/{name}"

    def _keep(self, schedule: Schedule, occasion: Occasion, failure: Failure) -> bool | None:
        """Put it into the dead-letter queue; whether that worked, None when there is none."""
        queue = schedule.target.get("DeadLetterConfig", {}).get("Arn")
        if queue is None:
            return None
        if not self._is_trusted(schedule):
            return False
        attributes = {
            "ERROR_CODE": failure.code,
            "ERROR_MESSAGE": failure.message[:_MESSAGE_LENGTH] or "no message",
            "EXECUTION_ID": occasion.execution_id,
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": str(failure.attempts - 1),
            "SCHEDULED_TIME": occasion.scheduled_time,
            "SCHEDULE_ARN": schedule.arn,
            "TARGET_ARN": schedule.target["Arn"],
        }
        if failure.retried:
            attributes["EXHAUSTED_RETRY_CONDITION"] = "MaximumRetryAttempts"
        try:
            self._clients("sqs", schedule.target["RoleArn"]).send_message(
                QueueUrl=self._queue_url(queue),
                MessageBody=failure.sent or "{}",
                MessageAttributes=_as_attributes(attributes),
            )
        except (ClientError, BotoCoreError) as error:
            _log.warning("the dead-letter queue of the schedule %s did not take the event: %s", schedule.name, error)
            return False
        return True


def _as_attributes(values: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}
