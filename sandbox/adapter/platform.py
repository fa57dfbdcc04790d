"""The embedded AWS as the embedded SageMaker sees it."""

import asyncio
import json
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from sandbox.adapter import internals
from sandbox.adapter.service_calls import RefusedError, ServiceCalls
from sandbox.adapter.settings import ACCOUNT, MARKER, REGION, ServerSettings
from sandbox.clock import SandboxClock
from sandbox.images import image_entries
from sandbox.sagemaker.platform import ImageRefusedError

# Sessions last an hour, as on AWS; they are renewed before a long job could outlive them.
_SESSION_SECONDS = 3600
_RENEW_AFTER_SECONDS = 1800


class EmbeddedPlatform:
    """What the embedded SageMaker needs of the server around it (see `sandbox.sagemaker.platform.Platform`)."""

    def __init__(self, settings: ServerSettings, *, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        self.account = ACCOUNT
        self.region = REGION
        self.work_dir = settings.state_dir / "work"
        self.log_dir = settings.state_dir / "logs"
        self.clock = SandboxClock(settings.speed, start=settings.start)
        self._links = settings.state_dir / "runtime"
        self._sandbox_id = settings.sandbox_id
        #: Where permissions are enforced: asks what SageMaker needs of a role.
        self.services: ServiceCalls | None = None
        self._lock = threading.RLock()
        self._clients: dict[tuple[str, str | None], tuple[float, Any]] = {}
        self._sessions: dict[str, tuple[float, dict[str, str]]] = {}

    def client(self, service: str, role_arn: str | None = None) -> Any:
        """A boto3 client of the embedded AWS with the credentials of the role, or of the account itself."""
        with self._lock:
            created, client = self._clients.get((service, role_arn), (0.0, None))
            if client is None or (role_arn is not None and time.monotonic() - created > _RENEW_AFTER_SECONDS):
                client = self._new_client(service, role_arn)
                self._clients[service, role_arn] = (time.monotonic(), client)
            return client

    def _new_client(self, service: str, role_arn: str | None) -> Any:
        names = {"AWS_ACCESS_KEY_ID": self.account, "AWS_SECRET_ACCESS_KEY": "sandbox"}
        if role_arn is not None:
            names = self._session(role_arn)
        session = boto3.session.Session(
            aws_access_key_id=names["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=names["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=names.get("AWS_SESSION_TOKEN"),
            region_name=self.region,
        )
        config = Config(max_pool_connections=50, retries={"total_max_attempts": 3, "mode": "standard"})
        # The name of a service is data here, which the typed overloads of boto3 do not cover.
        create: Any = session.client
        return create(service, endpoint_url=self.endpoint_url, config=config)

    def credentials(self, role_arn: str) -> Mapping[str, str]:
        """The role's credentials as environment variables of a job, with where and in which region it finds AWS."""
        return {
            **self._session(role_arn),
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            MARKER: self._sandbox_id,
        }

    def _session(self, role_arn: str) -> dict[str, str]:
        with self._lock:
            created, session = self._sessions.get(role_arn, (0.0, {}))
            if not session or time.monotonic() - created > _RENEW_AFTER_SECONDS:
                answer = self.client("sts").assume_role(
                    RoleArn=role_arn, RoleSessionName="SageMaker", DurationSeconds=_SESSION_SECONDS
                )["Credentials"]
                session = {
                    "AWS_ACCESS_KEY_ID": answer["AccessKeyId"],
                    "AWS_SECRET_ACCESS_KEY": answer["SecretAccessKey"],
                    "AWS_SESSION_TOKEN": answer["SessionToken"],
                }
                self._sessions[role_arn] = (time.monotonic(), session)
            return session

    def emit(self, detail_type: str, *, detail: Mapping[str, Any], resources: Sequence[str]) -> None:
        """Put an event of the source `aws.sagemaker` on the default bus.

        Raises:
            RuntimeError: when the bus refuses the event, or from the server's own loop, which must not wait for itself.
        """
        loop = internals.MAIN_LOOP.get()
        if loop is None:
            raise RuntimeError("the embedded AWS has not started yet, so it takes no events")
        try:
            running: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is loop:
            raise RuntimeError("emit() was called on the server's loop; call it from a worker thread")

        async def put() -> None:
            self.emit_here("aws.sagemaker", detail_type, detail=detail, resources=resources)

        asyncio.run_coroutine_threadsafe(put(), loop).result(timeout=60)

    def emit_here(self, source: str, detail_type: str, *, detail: Mapping[str, Any], resources: Sequence[str]) -> None:
        """Put an event of a service of AWS on the default bus, from the server's own loop.

        Raises:
            RuntimeError: when the bus refuses the event.
        """
        entry = {
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": list(resources),
            "EventBusName": "default",
        }
        # Public PutEvents refuses the `aws.` sources, here as on AWS; services use the inner door.
        internals.SET_ACCOUNT.get()(self.account)
        internals.SET_REGION.get()(self.region)
        _, _, body = internals.PUT_EVENTS.get()({"Entries": [entry]}, allow_aws_source=True)
        answer = json.loads(body)
        if answer.get("FailedEntryCount") != 0:
            raise RuntimeError(f"the bus refused the event {detail_type!r}: {answer}")

    def image(self, uri: str, *, role_arn: str) -> Sequence[Path]:
        """What a container of the image has on its Python path; programs stand in the `bin` of such a directory.

        Raises:
            UnknownImageError: when the sandbox has no such image, or the role may not pull it.
        """
        if self.services is not None:
            try:
                self.services.pull(role_arn, uri)
            except RefusedError as error:
                raise ImageRefusedError(str(error)) from error
        return image_entries(self._links, uri)
