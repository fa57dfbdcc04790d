"""The embedded SageMaker as one object: what the server around it registers, calls and stops."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError

from sandbox.sagemaker.endpoints.capture import Capture
from sandbox.sagemaker.endpoints.configs import EndpointConfigs
from sandbox.sagemaker.endpoints.endpoints import Endpoints
from sandbox.sagemaker.endpoints.invocation import Invocations, endpoint_of
from sandbox.sagemaker.endpoints.metrics import Metrics
from sandbox.sagemaker.endpoints.models import Models
from sandbox.sagemaker.events import Events
from sandbox.sagemaker.isolation import create_python
from sandbox.sagemaker.jobs.processing import ProcessingJobs
from sandbox.sagemaker.jobs.training import TrainingJobs
from sandbox.sagemaker.logs import LogShipper
from sandbox.sagemaker.pipelines.executions import Executions
from sandbox.sagemaker.pipelines.pipelines import Pipelines
from sandbox.sagemaker.pipelines.records import Execution
from sandbox.sagemaker.platform import Platform
from sandbox.sagemaker.protocol.dispatch import Dispatcher, HttpResponse
from sandbox.sagemaker.protocol.errors import AwsError, validation
from sandbox.sagemaker.registry.packages import Packages
from sandbox.sagemaker.settings import Settings
from sandbox.sagemaker.storage import Storage
from sandbox.sagemaker.table import Table
from sandbox.sagemaker.tags import Tags

_OPERATIONS = 16


class SageMaker:
    """The service; one instance serves the SageMaker API and the runtime API of its endpoints."""

    def __init__(self, platform: Platform, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        create_python(platform.work_dir)
        self._platform = platform
        self._operations_pool = ThreadPoolExecutor(max_workers=_OPERATIONS, thread_name_prefix="sagemaker")
        self._events = Events(platform, duplicate=settings.duplicate_events)
        self._logs = LogShipper(platform, interval=settings.flush_interval)
        tags = Tags()
        self._processing = ProcessingJobs(platform, tags=tags, events=self._events, logs=self._logs)
        self._training = TrainingJobs(platform, tags=tags, events=self._events, logs=self._logs)
        executions = Table[Execution]()
        pipelines = Pipelines(platform, tags=tags, executions=executions)
        self._executions = Executions(
            platform, table=executions, pipelines=pipelines, backend=self, events=self._events
        )
        packages = Packages(platform, tags=tags, events=self._events)
        models = Models(platform, tags=tags, packages=packages.existing)
        configs = EndpointConfigs(platform, tags=tags, models=models.existing)
        self._endpoints = Endpoints(
            platform,
            settings,
            tags=tags,
            events=self._events,
            logs=self._logs,
            configs=configs.existing,
            models=models.existing,
        )
        self._capture = Capture(
            platform, interval=settings.flush_interval, records_per_file=settings.capture_records_per_file
        )
        self._metrics = Metrics(platform, interval=settings.flush_interval)
        self._invocations = Invocations(
            platform,
            endpoints=self._endpoints,
            capture=self._capture,
            metrics=self._metrics,
            timeout=settings.invocation_timeout,
        )
        self._dispatcher = Dispatcher(
            {
                **tags.operations(),
                **packages.operations(),
                **self._processing.operations(),
                **self._training.operations(),
                **pipelines.operations(),
                **self._executions.operations(),
                **models.operations(),
                **configs.operations(),
                **self._endpoints.operations(),
            }
        )

    async def handle_request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
    ) -> HttpResponse:
        """Answer one HTTP request without holding up the event loop (MiniStack's handler signature)."""
        del method, query_params
        loop = asyncio.get_running_loop()
        lower = {name.lower(): value for name, value in headers.items()}
        endpoint = endpoint_of(path)
        if endpoint is not None:
            return await self._invocations.invoke(endpoint, lower, body)
        target = lower.get("x-amz-target", "")
        return await loop.run_in_executor(self._operations_pool, self._dispatcher.respond, target, body)

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation from within the process, with every check that a client's call gets.

        Raises:
            AwsError: what a client would be told.
        """
        return self._dispatcher.call(operation, request)

    def call_as(self, role_arn: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation through the front door with the rights of a role, so that these are checked.

        Raises:
            AwsError: what the role is told.
        """
        client = self._platform.client("sagemaker", role_arn=role_arn)
        try:
            answer: dict[str, Any] = getattr(client, xform_name(operation))(**request)
        except ClientError as error:
            details = error.response["Error"]
            raise AwsError(details.get("Code", ""), details.get("Message", "")) from error
        except ParamValidationError as error:
            raise validation(str(error)) from error
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}

    def wait(self, kind: str, name: str) -> None:
        """Return when the job is over; `kind` is Processing or Training."""
        (self._processing if kind == "Processing" else self._training).engine.wait(name)

    def read(self, uri: str, *, role_arn: str) -> bytes:
        """Read an S3 object with the rights of a role."""
        return Storage(self._platform, role_arn=role_arn).read(uri)

    def flush(self) -> None:
        """Write what endpoints captured and counted so far; when this returns, it is in S3 and in CloudWatch."""
        self._capture.flush()
        self._metrics.flush()

    def stop(self) -> None:
        """End every job, endpoint and thread; what they still had to say is written first."""
        self._executions.close()
        self._endpoints.close()
        self._invocations.close()
        self._processing.engine.close()
        self._training.engine.close()
        self._capture.stop()
        self._metrics.stop()
        self._events.stop()
        self._logs.stop()
        self._operations_pool.shutdown(wait=False, cancel_futures=True)
