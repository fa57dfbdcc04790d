"""The reports for people: which one is asked about, where it lies, and how it gets onto the screen."""

import os
import sys
import tempfile
import webbrowser
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ops import registry, storage
from ops.errors import NothingLiveError, OpsError, UsageError
from ops.stage import Stage

_RECENT_RUNS = 50


class Kind(StrEnum):
    """What a report is about."""

    EVALUATION = "evaluation"
    DRIFT = "drift"
    VALIDATION = "validation"


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report. Version and run are None for drift, which is about what came in."""

    stage: Stage
    kind: Kind
    uri: str
    version: int | None = None
    run_id: str | None = None

    @property
    def file_name(self) -> str:
        """A name that tells reports apart."""
        about = f"-v{self.version}" if self.version else f"-{self.run_id}" if self.run_id else ""
        return f"{self.stage.name}-{self.kind}{about}{Path(self.uri).suffix}"

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "project": self.stage.project,
            "environment": self.stage.environment,
            "kind": self.kind.value,
            "version": self.version,
            "run_id": self.run_id,
            "report_uri": self.uri,
        }


def find(stage: Stage, kind: Kind, version: int | None) -> Report:
    """Find the newest report of a kind, or that of a version.

    Raises:
        NothingLiveError: The evaluation of the live version is asked for, and nothing is live.
        UsageError: Drift of a version is asked for.
        OpsError: There is no such report.
    """
    match kind:
        case Kind.EVALUATION:
            return _evaluation(stage, version)
        case Kind.VALIDATION:
            return _validation(stage, version)
        case Kind.DRIFT:
            return _drift(stage, version)


def save(report: Report, path: Path | None) -> Path:
    """Download it, to a folder of its own unless a file is named.

    Raises:
        OpsError: The file cannot be written, or S3 refused.
    """
    path = path or Path(tempfile.mkdtemp(prefix="tandem-")) / report.file_name
    storage.download(report.stage.target.s3, report.uri, path)
    return path.resolve()


def open_in_browser(path: Path) -> bool:
    """Show it, if there is a screen; return whether a browser took it."""
    has_screen = sys.platform in {"darwin", "win32"} or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    return has_screen and webbrowser.open(path.as_uri())


def _evaluation(stage: Stage, version: int | None) -> Report:
    if version is None:
        live = stage.ledger.live()
        if live is None:
            raise NothingLiveError(
                f"nothing is live in {stage.name}: name a version, `python -m ops history` shows which there are"
            )
        version = live.version
    run_id, recorded = _run_of(stage, version)
    run = stage.ledger.run(run_id)
    uri = (run.report_uri if run else None) or recorded
    uri = uri or f"s3://{stage.artifacts_bucket}/runs/{run_id}/evaluate/evaluation.html"
    _exists(stage, uri, what=f"the evaluation report of version {version}")
    return Report(stage=stage, kind=Kind.EVALUATION, uri=uri, version=version, run_id=run_id)


def _validation(stage: Stage, version: int | None) -> Report:
    if version is not None:
        run_id, _ = _run_of(stage, version)
        uri = _validation_uri(stage, run_id)
        _exists(stage, uri, what=f"the validation report of version {version}")
        return Report(stage=stage, kind=Kind.VALIDATION, uri=uri, version=version, run_id=run_id)
    for run in stage.ledger.runs(limit=_RECENT_RUNS):
        uri = _validation_uri(stage, run.run_id)
        if storage.exists(stage.target.s3, uri):
            return Report(stage=stage, kind=Kind.VALIDATION, uri=uri, version=run.version, run_id=run.run_id)
    raise OpsError(f"no run of {stage.name} has left a validation report yet; `python -m ops history` lists the runs")


def _drift(stage: Stage, version: int | None) -> Report:
    if version is not None:
        raise UsageError(f"a drift report is about a window of traffic, not about version {version}: leave it out")
    uri = f"s3://{stage.artifacts_bucket}/monitoring/{stage.endpoint}/latest.html"
    if not storage.exists(stage.target.s3, uri):
        raise OpsError("there is no drift report yet: `python -m ops drift` says when there will be one")
    return Report(stage=stage, kind=Kind.DRIFT, uri=uri)


def _run_of(stage: Stage, version: int) -> tuple[str, str | None]:
    """Return the run that made a version, and the report that its record names."""
    record = registry.describe(stage, version).get("CustomerMetadataProperties", {})
    if "run_id" not in record:
        raise OpsError(f"version {version} carries no record of its run: the training pipeline did not register it")
    return record["run_id"], record.get("report_uri")


def _validation_uri(stage: Stage, run_id: str) -> str:
    return f"s3://{stage.artifacts_bucket}/runs/{run_id}/validate/validation.json"


def _exists(stage: Stage, uri: str, *, what: str) -> None:
    if not storage.exists(stage.target.s3, uri):
        raise OpsError(f"{what} does not exist any more: {uri}")
