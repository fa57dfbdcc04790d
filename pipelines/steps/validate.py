"""Step Validate: every object of the snapshot keeps the contract, or the run ends here and says where it does not."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from pipelines.steps import contract as contracts
from pipelines.steps import drops
from pipelines.steps.failure import StepError, exit_message
from pipelines.steps.paths import Paths
from pipelines.steps.snapshot import Snapshot, SnapshotObject, SnapshotReader

REPORT = "validation.json"
_FORMAT = 1


@dataclass(frozen=True)
class SnapshotArguments:
    """What the steps that read a snapshot are started with."""

    project: str
    snapshot_uri: str
    snapshot_id: str
    target: str
    time_column: str


@dataclass(frozen=True)
class ObjectReport:
    """One object of the snapshot and what was found in it."""

    entry: SnapshotObject
    report: drops.DropReport

    def sentences(self) -> Iterator[str]:
        """Yield every problem as a sentence that names the object and the column."""
        for problem in self.report.problems:
            column = "" if problem.column is None else f"column {problem.column!r} "
            yield f"{self.entry.key}: {column}{problem.reason}"


def run(arguments: SnapshotArguments, paths: Paths, reader: SnapshotReader) -> None:
    """Check every object and write ``validation.json``: whether the data is accepted, and what was found.

    Raises:
        StepError: when the snapshot cannot be read or the project contradicts itself; bad data raises nothing.
    """
    contract = contracts.load(arguments.project)
    if arguments.target != contract.output.name:
        raise StepError(
            f"project.target is {arguments.target!r}, but the contract of {contract.name} answers "
            f"{contract.output.name!r}: make project.toml and contract.json agree"
        )
    snapshot = reader.manifest(arguments.snapshot_uri, snapshot_id=arguments.snapshot_id)
    reports = [
        ObjectReport(entry, drops.check(path, contract, time_column=arguments.time_column))
        for entry, path in reader.files(snapshot)
    ]
    summary = _summary(reports)
    folder = paths.processing_output("report")
    (folder / REPORT).write_text(_document(snapshot, contract, reports, summary), "utf-8")
    print(summary)  # noqa: T201  # the job's log


def _summary(reports: list[ObjectReport]) -> str:
    sentences = [sentence for report in reports for sentence in report.sentences()]
    if not sentences:
        return f"accepted {len(reports)} objects with {sum(report.report.rows for report in reports)} rows"
    return exit_message(sentences[0] + (f" ({len(sentences) - 1} more in {REPORT})" if len(sentences) > 1 else ""))


def _document(snapshot: Snapshot, contract: contracts.Contract, reports: list[ObjectReport], summary: str) -> str:
    document = {
        "format": _FORMAT,
        "snapshot_id": snapshot.id,
        "contract_version": contract.version,
        "accepted": not any(report.report.problems for report in reports),
        "summary": summary,
        "rows": sum(report.report.rows for report in reports),
        "unlabelled": sum(report.report.unlabelled for report in reports),
        "objects": [
            {
                "key": report.entry.key,
                "version_id": report.entry.version_id,
                "rows": report.report.rows,
                "unlabelled": report.report.unlabelled,
                "problems": [asdict(problem) for problem in report.report.problems],
            }
            for report in reports
        ],
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"
