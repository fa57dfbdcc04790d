"""What the loop has done since somebody last asked: from its ledger, its alarms and the monitor's records."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.demo.cloud import Cloud

YEAR = 2013
_MOST = 1000
_READERS = 4
_OUTCOMES = {
    "promoted": "promoted",
    "kept_champion": "kept",
    "rejected_data": "rejected",
    "failed": "failed",
    "no_new_data": "no_new_data",
    "waits_for_a_reason": "no_run",
    "nothing_new": "no_run",
    "live": "deployed",
}


@dataclass(frozen=True)
class Note:
    """One thing that happened.

    Attributes:
        at: by the sandbox's clock.
        kind: ``alarm``, ``run``, ``promoted``, ``kept``, ``rejected``, ``failed``, ``deployed``, ``no_new_data`` or
            ``no_run``.
        text: in words.
    """

    at: datetime
    kind: str
    text: str

    def as_document(self) -> dict[str, str]:
        """The note as the story tells it."""
        return {"at": self.at.isoformat(), "kind": self.kind, "text": self.text}


@dataclass
class Chronicle:
    """Asks ``python -m ops history``, CloudWatch and the bucket.

    Attributes:
        cloud: the embedded AWS.
        live: the version that was confirmed live last.
    """

    cloud: Cloud
    live: str = ""
    _told: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        for entry in reversed(self._history()):
            self._note(entry)

    def news(self, *, at: datetime) -> list[Note]:
        """Return what is new, oldest first, as of a moment of the sandbox's clock."""
        notes = []
        for entry in reversed(self._history()):
            if self._note(entry):
                notes += list(_notes(entry, at))
        return notes

    def alarms(self) -> Sequence[str]:
        """Return the kinds of alarms that are on."""
        prefix = f"{self.cloud.stage}-"
        found = self.cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix, StateValue="ALARM")
        kinds = [alarm["AlarmName"].removeprefix(prefix) for alarm in found["MetricAlarms"]]
        # The alarms of queues and functions are named by CloudFormation; those of the monitor by what they watch.
        return sorted(kind for kind in kinds if kind.replace("-", "").islower() and kind.replace("-", "").isalpha())

    def judgements(self, month: int) -> list[dict[str, Any]]:
        """Return what the monitor said of the windows that began in a month."""
        s3, bucket = self.cloud.client("s3"), self.cloud.artifacts_bucket
        prefix = f"monitoring/{self.cloud.endpoint}/judgements/{YEAR}-{month:02d}-"
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))

        def read(key: str) -> dict[str, Any]:
            document: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            return document

        with ThreadPoolExecutor(_READERS) as readers:
            return list(readers.map(read, keys))

    def _note(self, entry: dict[str, Any]) -> bool:
        """Remember an entry; returns whether it is new."""
        identity = (entry["kind"], entry["name"] + entry["at"])
        if identity in self._told:
            return False
        self._told.add(identity)
        if entry["kind"] == "deployment" and entry["outcome"] == "live":
            self.live = str(entry["version"])
        return True

    def _history(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.cloud.ops("history", "--limit", str(_MOST))
        return entries


def _notes(entry: dict[str, Any], at: datetime) -> Iterator[Note]:
    outcome = _OUTCOMES.get(entry["outcome"], entry["outcome"])
    if entry["kind"] == "run":
        yield Note(at, "run", f"training, because of {entry['reason']}")
        version = f"version {entry['version']}: " if entry["version"] else ""
        yield Note(at, outcome, f"{version}{entry['detail'] or ''}")
    elif entry["kind"] == "deployment":
        yield Note(at, outcome, f"version {entry['version']} {entry['outcome']}")
    else:
        yield Note(at, outcome, entry["reason"])
