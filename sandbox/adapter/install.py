"""Everything that the sandbox adds to the emulator, put in place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.adapter import (
    aliases,
    cloudformation,
    codedeploy,
    iam,
    internals,
    lambda_calls,
    lambdas,
    move_tasks,
    patience,
    resources,
    storage,
    tracing,
)
from sandbox.adapter.call_record import CallRecord
from sandbox.adapter.cloudwatch import CloudWatch
from sandbox.adapter.control import with_control
from sandbox.adapter.encryption import Keys
from sandbox.adapter.http_api import AccessLogs, HttpApis
from sandbox.adapter.network import FLOW_LOG, FlowLogProvisioner
from sandbox.adapter.platform import EmbeddedPlatform
from sandbox.adapter.scheduler import Scheduler
from sandbox.adapter.service_calls import ServiceCalls
from sandbox.adapter.settings import SERVICES, ServerSettings
from sandbox.adapter.short_way import with_short_way
from sandbox.adapter.timekeeper import Timekeeper
from sandbox.cloudwatch.gathering import Gatherer
from sandbox.codedeploy.deployments import Deployments
from sandbox.errors import SandboxError
from sandbox.sagemaker.service import SageMaker

_FLUSH_SECONDS = 1.0


@dataclass(frozen=True)
class Installed:
    """The embedded AWS, ready to be served.

    Attributes:
        application: the application to serve.
        stop: ends what the services run; to be called while it is still served, for they write their last logs.
    """

    application: Any
    stop: Callable[[], None]


def install(settings: ServerSettings, *, endpoint_url: str) -> Installed:
    """Check the emulator and add what it lacks.

    SageMaker with its events and its CloudFormation types, a clock with alarms and schedules on it, isolated Lambdas.

    Raises:
        SandboxError: when the emulator is not what the sandbox was written for.
    """
    internals.check()
    handlers = internals.SERVICE_HANDLERS.get()
    if missing := sorted(set(SERVICES) - set(handlers)):
        raise SandboxError(f"MiniStack does not have the services {', '.join(missing)} that the sandbox needs.")
    platform = EmbeddedPlatform(settings, endpoint_url=endpoint_url)
    service = SageMaker(platform)
    handlers["sagemaker"] = iam.with_more_checks("sagemaker", service.handle_request, iam.asked_by_sagemaker)
    handlers["monitoring"] = iam.with_more_checks("monitoring", handlers["monitoring"], iam.asked_by_cloudwatch)
    handlers["cloudformation"] = patience.until_settled(handlers["cloudformation"])
    # Both of SageMaker's clients sign for `sagemaker`, which is all that the runtime's requests can be known by.
    internals.SERVICE_PATTERNS.get()["sagemaker"] = {"target_prefixes": ["SageMaker."]}
    iam.register()
    types = resources.provisioners(platform.client, account=platform.account, region=platform.region)
    deployments = Deployments(platform.client, platform.clock)
    moved = codedeploy.provisioners(deployments)
    flow_logs = {FLOW_LOG: FlowLogProvisioner(platform.client)}
    cloudformation.register({**cloudformation.provisioners(service.call), **types, **moved, **flow_logs})
    aliases.honour_weights()
    storage.complete_events()
    storage.refuse_to_delete_full_buckets()
    move_tasks.install()
    lambdas.isolate(settings.state_dir)
    lambdas.keep_logs(platform.log_dir)
    metrics = Gatherer(
        lambda **request: platform.client("cloudwatch").put_metric_data(**request),
        now=platform.clock.now,
        interval=_FLUSH_SECONDS,
    )
    lambda_calls.publish_metrics(metrics)
    tracing.sample_as_xray_does()
    access_logs = AccessLogs(platform, interval=_FLUSH_SECONDS)
    HttpApis(metrics, access_logs).install()
    if settings.enforce_iam:
        _enforce(platform)
    cloudwatch, scheduler = CloudWatch(platform), Scheduler(platform)
    cloudwatch.install()
    scheduler.install()

    def flush() -> None:
        service.flush()
        metrics.flush()

    timekeeper = Timekeeper(platform.clock, cloudwatch=cloudwatch, runner=scheduler.runner, flush=flush)
    # The emulator would start its own watcher of schedules here, when it is up.
    internals.START_SCHEDULER.replace(timekeeper.start)

    def stop() -> None:
        timekeeper.stop()
        deployments.close()
        internals.STOP_WORKERS.get()()
        metrics.stop()
        access_logs.stop()
        service.stop()

    application = with_short_way(internals.APP.get(), service.handle_request)
    return Installed(application=with_control(application, timekeeper), stop=stop)


def _enforce(platform: EmbeddedPlatform) -> None:
    """Check and record what the emulator does not ask of a role by itself."""
    keys = Keys()
    keys.install()
    record = CallRecord(platform.log_dir, further=keys.demands)
    record.install()
    platform.services = ServiceCalls(record)
    platform.services.install()
