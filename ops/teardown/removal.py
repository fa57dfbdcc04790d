"""Removes what the plan names, one kind after the other; a failure does not keep the rest from going."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.shared.endpoints import IN_PROGRESS
from ops.errors import OpsError
from ops.executions import UNDER_WAY
from ops.stage import Stage
from ops.target import CONCURRENCY
from ops.teardown import buckets, inventory
from ops.teardown.plan import Kind, Plan, Thing, of_kind
from ops.teardown.services import Services, unless_absent

_PASSES: Final = 3
"""What an invocation under way still makes, and logs that arrive late, are seen by the next look."""
_PATIENCE_SECONDS: Final = 3600
_KEY_DAYS: Final = 7
"""The shortest time that KMS keeps a key that is to be deleted (page "ScheduleKeyDeletion")."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a teardown.

    Attributes:
        plan: What there was.
        left: What is still there, and why.
    """

    plan: Plan
    left: tuple[tuple[Thing, str], ...]

    @property
    def is_clean(self) -> bool:
        """Whether `cdk destroy` leaves nothing now."""
        return not self.left

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {**self.plan.as_json(), "left": [{**thing.as_json(), "reason": why} for thing, why in self.left]}


def tear_down(stage: Stage, services: Services, plan: Plan, *, told: Callable[[str], None]) -> Outcome:
    """Remove everything in the plan, and what comes up meanwhile."""
    remover, failed, found = _Remover(services, told), dict[tuple[Kind, str, str], str](), plan
    for _ in range(_PASSES):
        new = [thing for thing in found.things if thing.key not in failed]
        if not new:
            break
        for kind in Kind:
            failed.update(remover.remove(kind, of_kind(kind, new)))
        told("looking whether something is left")
        found = inventory.take(stage, services, told=told)
    left = tuple((thing, failed.get(thing.key, "it came back, or is still there")) for thing in found.things)
    return Outcome(plan=plan, left=left)


class _Remover:
    """Knows how each kind goes."""

    def __init__(self, services: Services, told: Callable[[str], None]) -> None:
        self._services = services
        self._told = told
        self._removers: Mapping[Kind, Callable[[Thing], object]] = {
            Kind.RULE: lambda thing: services.events.disable_rule(Name=thing.name),
            Kind.SCHEDULE: self._disable_schedule,
            Kind.SOURCE: self._disable_source,
            Kind.ALARM: lambda thing: services.cloudwatch.disable_alarm_actions(AlarmNames=[thing.name]),
            Kind.EXECUTION: self._stop_execution,
            Kind.REPLAY: self._delete_pipeline,
            Kind.ENDPOINT: self._delete_endpoint,
            Kind.CONFIG: lambda thing: services.sagemaker.delete_endpoint_config(EndpointConfigName=thing.name),
            Kind.MODEL: lambda thing: services.sagemaker.delete_model(ModelName=thing.name),
            Kind.PACKAGE: lambda thing: services.sagemaker.delete_model_package(ModelPackageName=thing.name),
            Kind.WRITES: self._seal,
            Kind.CONTENTS: lambda thing: buckets.empty(services.s3, thing.name, told=told),
            Kind.STREAM: lambda thing: services.logs.delete_log_stream(
                logGroupName=thing.place, logStreamName=thing.name
            ),
            Kind.BUCKET: lambda thing: services.s3.delete_bucket(Bucket=thing.name),
            Kind.TABLE: self._delete_table,
            Kind.LOG_GROUP: lambda thing: services.logs.delete_log_group(logGroupName=thing.name),
            Kind.PACKAGE_GROUP: lambda thing: services.sagemaker.delete_model_package_group(
                ModelPackageGroupName=thing.name
            ),
            Kind.KEY: lambda thing: services.kms.schedule_key_deletion(KeyId=thing.name, PendingWindowInDays=_KEY_DAYS),
            Kind.OTHER: _give_up,
            Kind.PROTECTION: lambda thing: services.target.cloudformation.update_termination_protection(
                StackName=thing.name, EnableTerminationProtection=False
            ),
        }

    def remove(self, kind: Kind, things: tuple[Thing, ...]) -> dict[tuple[Kind, str, str], str]:
        """Remove all of one kind, several at a time; return why some stayed."""
        if not things:
            return {}
        verb = "switching off" if kind.is_switched_off else "stopping" if kind is Kind.EXECUTION else "removing"
        self._told(f"{verb} {kind}: {things[0].name if len(things) == 1 else f'{len(things):,}'}")
        # Emptying a bucket makes several calls at a time by itself.
        workers = 1 if kind is Kind.CONTENTS else CONCURRENCY
        with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="teardown") as pool:
            reasons = list(pool.map(self._remove, things))
        return {thing.key: why for thing, why in zip(things, reasons, strict=True) if why is not None}

    def _remove(self, thing: Thing) -> str | None:
        try:
            self._removers[thing.kind](thing)
        except (ClientError, BotoCoreError, OpsError) as error:
            self._told(f"could not remove the {thing.kind} {thing.name}: {error}")
            return str(error)
        return None

    def _disable_schedule(self, thing: Thing) -> None:
        """Switch off a schedule; an update has to repeat everything else (page "UpdateSchedule")."""
        scheduler = self._services.scheduler
        answer = scheduler.get_schedule(Name=thing.name, GroupName=thing.place)
        answered = {"Arn", "CreationDate", "LastModificationDate", "ResponseMetadata"}
        schedule = {member: value for member, value in answer.items() if member not in answered}
        scheduler.update_schedule(**schedule | {"State": "DISABLED"})

    def _disable_source(self, thing: Thing) -> None:
        functions = self._services.functions

        def state() -> str:
            return functions.get_event_source_mapping(UUID=thing.name)["State"]

        if state() != "Disabling":  # by a run before
            functions.update_event_source_mapping(UUID=thing.name, Enabled=False)
        self._wait(
            lambda: state() == "Disabled",
            what=f"the event source {thing.name} to be disabled",
        )

    def _stop_execution(self, thing: Thing) -> None:
        sagemaker = self._services.sagemaker

        def status() -> str:
            return sagemaker.describe_pipeline_execution(PipelineExecutionArn=thing.name)["PipelineExecutionStatus"]

        if status() == "Executing":
            sagemaker.stop_pipeline_execution(PipelineExecutionArn=thing.name, ClientRequestToken=uuid4().hex)
        self._wait(lambda: status() not in UNDER_WAY, what=f"the end of {thing.name}")

    def _delete_pipeline(self, thing: Thing) -> None:
        self._services.sagemaker.delete_pipeline(PipelineName=thing.name, ClientRequestToken=uuid4().hex)

    def _delete_endpoint(self, thing: Thing) -> None:
        """Delete the endpoint; SageMaker refuses while it is in progress (page "DeleteEndpoint")."""
        sagemaker = self._services.sagemaker

        def status() -> str | None:
            found = unless_absent(lambda: sagemaker.describe_endpoint(EndpointName=thing.name))
            return found["EndpointStatus"] if found else None

        if (now := status()) in IN_PROGRESS:
            self._told(f"waiting for the endpoint {thing.name}, which is {now}")
            self._wait(lambda: status() not in IN_PROGRESS, what=f"the endpoint {thing.name} to be changeable")
        if status() is not None:
            sagemaker.delete_endpoint(EndpointName=thing.name)
            self._wait(lambda: status() is None, what=f"the endpoint {thing.name} to be gone")

    def _seal(self, thing: Thing) -> None:
        session = self._services.target.session
        partition = session.get_partition_for_region(session.region_name)
        buckets.seal(self._services.s3, thing.name, partition=partition)

    def _delete_table(self, thing: Thing) -> None:
        dynamodb = self._services.target.dynamodb
        if dynamodb.describe_table(TableName=thing.name)["Table"].get("DeletionProtectionEnabled"):
            dynamodb.update_table(TableName=thing.name, DeletionProtectionEnabled=False)
            dynamodb.get_waiter("table_exists").wait(TableName=thing.name)
        dynamodb.delete_table(TableName=thing.name)
        dynamodb.get_waiter("table_not_exists").wait(TableName=thing.name)

    def _wait(self, question: Callable[[], bool], *, what: str) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not question():
            if time.monotonic() > deadline:
                raise OpsError(f"waited {_PATIENCE_SECONDS} s for {what}")
            time.sleep(self._services.target.poll_seconds)


def _give_up(thing: Thing) -> None:
    raise OpsError(f"{thing.detail} is not known here: delete it by hand, or after `cdk destroy`")
