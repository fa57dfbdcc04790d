"""Data capture: what goes into an endpoint and comes out of it, as JSON lines in S3.

Record and key: AWS's page "Capture data from real-time endpoint".
"""

import base64
import json
import logging
import random
import threading
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.sagemaker.endpoints.model_server import ModelServer
from sandbox.sagemaker.platform import Platform
from sandbox.sagemaker.storage import Storage, StorageError, join_uri

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    request: bytes
    request_type: str
    response: bytes
    response_type: str
    inference_id: str | None
    custom_attributes: str | None
    moment: datetime


@dataclass(frozen=True)
class _Target:
    prefix: str
    role_arn: str
    kms_key: str | None


class Capture:
    """Collects records and writes them by time and by number from one thread."""

    def __init__(self, platform: Platform, *, interval: float, records_per_file: int) -> None:
        self._platform = platform
        self._interval = interval
        self._records_per_file = records_per_file
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._lines: defaultdict[_Target, list[bytes]] = defaultdict(list)
        self._wake = threading.Event()
        self._stopping = False
        self._random = random.Random()  # noqa: S311 - sampling is no secret
        self._thread = threading.Thread(target=self._run, name="sagemaker-capture", daemon=True)
        self._thread.start()

    def record(self, config: Mapping[str, Any] | None, *, server: ModelServer, exchange: Exchange) -> None:
        """Take a record when the configuration asks for it and the sampling chooses it."""
        if config is None or not config.get("EnableCapture", True):
            return
        if self._random.random() * 100 >= config["InitialSamplingPercentage"]:
            return
        hour = exchange.moment.strftime("%Y/%m/%d/%H")
        target = _Target(
            prefix=join_uri(config["DestinationS3Uri"], server.place.endpoint, server.place.variant, hour),
            role_arn=server.model.role_arn,
            kms_key=config.get("KmsKeyId") or None,
        )
        line = json.dumps(_record(config, exchange), separators=(",", ":")).encode() + b"\n"
        with self._lock:
            lines = self._lines[target]
            lines.append(line)
            if len(lines) >= self._records_per_file:
                self._wake.set()

    def flush(self) -> None:
        """Write everything that was taken; when this returns, all of it is in S3."""
        with self._writing:
            with self._lock:
                taken, self._lines = self._lines, defaultdict(list)
            self._write(taken)

    def _write(self, taken: Mapping[_Target, list[bytes]]) -> None:
        for target, lines in taken.items():
            now = self._platform.clock.now()
            name = f"{now:%M-%S}-{now.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
            try:
                storage = Storage(self._platform, role_arn=target.role_arn)
                storage.write(join_uri(target.prefix, name), b"".join(lines), kms_key=target.kms_key)
            except StorageError as error:
                _log.warning("%s captured records are lost: %s", len(lines), error)

    def stop(self) -> None:
        """Write the rest and end."""
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=5)
        self.flush()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(self._interval)
            if not self._stopping:
                self._wake.clear()
            try:
                self.flush()
            except Exception:  # noqa: BLE001 - the only writer must outlive a server that is not there for a moment
                _log.warning("captured records could not be written", exc_info=True)


def _record(config: Mapping[str, Any], exchange: Exchange) -> dict[str, Any]:
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    data: dict[str, Any] = {}
    if modes & {"Input", "InputAndOutput"}:
        data["endpointInput"] = _side(config, "INPUT", exchange.request, content_type=exchange.request_type)
    if modes & {"Output", "InputAndOutput"}:
        data["endpointOutput"] = _side(config, "OUTPUT", exchange.response, content_type=exchange.response_type)
    metadata = {
        "eventId": str(uuid.uuid4()),
        "customAttributes": [exchange.custom_attributes] if exchange.custom_attributes else None,
        "inferenceId": exchange.inference_id,
        "inferenceTime": exchange.moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return {
        "captureData": data,
        "eventMetadata": {name: value for name, value in metadata.items() if value is not None},
        "eventVersion": "0",
    }


def _side(config: Mapping[str, Any], mode: str, body: bytes, *, content_type: str) -> dict[str, str]:
    encoding = _encoding(config.get("CaptureContentTypeHeader", {}), content_type)
    text = base64.b64encode(body).decode() if encoding == "BASE64" else body.decode(errors="replace")
    return {"observedContentType": content_type, "mode": mode, "data": text, "encoding": encoding}


def _encoding(headers: Mapping[str, Any], content_type: str) -> str:
    if content_type in headers.get("JsonContentTypes", ()):
        return "JSON"
    if content_type in headers.get("CsvContentTypes", ()):
        return "CSV"
    return "BASE64"
