"""Step Validate: says of every object of the snapshot whether it may be trained on, and why not.

The rules come from the contract, from the snapshot itself (duplicates, rows from the future, leakage) and from what
the champion was trained on. Bad data is a finding and no failure: the pipeline reads ``accepted`` and ``summary``
from ``validation.json`` and ends the run as rejected data. A failure of this step is a crash.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.steps import aws, drops
from pipelines.steps import contract as contracts
from pipelines.steps.failure import StepError, exit_message
from pipelines.steps.paths import Paths
from pipelines.steps.quality import baseline, duplicates, future
from pipelines.steps.quality.inspection import Inspection, Rules
from pipelines.steps.quality.limits import Limits
from pipelines.steps.quality.problem import Finding, Problem, example_of, judged
from pipelines.steps.snapshot import SnapshotObject, SnapshotReader

REPORT = "validation.json"
_FORMAT = 2
_LISTED_OBJECTS = 200
_LISTED_PROBLEMS = 20
"""SageMaker reads property files of at most 2 MB (page "Amazon SageMaker Pipelines quotas")."""


@dataclass(frozen=True)
class SnapshotArguments:
    """What the steps that read a snapshot are started with."""

    project: str
    snapshot_uri: str
    snapshot_id: str
    target: str
    time_column: str


@dataclass(frozen=True)
class ValidateArguments(SnapshotArguments):
    """What the step is started with.

    Attributes:
        run_id: tells when the run began.
        champion: ARN of the champion's model package, or ``none``.
        runs_uri: where runs leave their outputs.
        limits: how far data may stray.
    """

    run_id: str
    champion: str
    runs_uri: str
    limits: Limits


@dataclass(frozen=True)
class ObjectReport:
    """One object of the snapshot, or the snapshot itself, and what was found in it."""

    key: str
    version_id: str | None
    rows: int
    unlabelled: int
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    def sentences(self) -> Iterator[str]:
        """Yield every problem as a sentence that names the object and the column."""
        for problem in self.problems:
            column = "" if problem.column is None else f"column {problem.column!r} "
            yield f"{self.key}: {column}{problem.reason}"


@dataclass
class _Object:
    """An object on its way to its report."""

    entry: SnapshotObject
    report: drops.DropReport
    findings: list[Finding]
    hashes: duplicates.Hashes
    labels: tuple[object, object] | None

    def reported(self) -> ObjectReport:
        return ObjectReport(
            key=self.entry.key,
            version_id=self.entry.version_id,
            rows=self.report.rows,
            unlabelled=self.report.unlabelled,
            problems=(*self.report.problems, *(each.problem for each in self.findings if each.refuses)),
            warnings=tuple(each.problem for each in self.findings if not each.refuses),
        )


def run(arguments: ValidateArguments, paths: Paths, reader: SnapshotReader) -> None:
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
    champion = baseline.find(
        arguments.champion,
        runs_uri=arguments.runs_uri,
        sagemaker=lambda: aws.client("sagemaker"),
        s3=lambda: aws.client("s3"),
    )
    rules = Rules(
        fields=drops.drop_fields(contract, time_column=arguments.time_column),
        target=contract.output.name,
        time_column=arguments.time_column,
        champion=champion.profile,
        limits=arguments.limits,
    )
    objects = []
    for entry, path in reader.files(snapshot):
        latest = future.latest_moment(entry.period, run_id=arguments.run_id, hours=rules.limits.future_hours)
        inspection = Inspection(rules, latest=latest)
        report = drops.check(path, contract, time_column=arguments.time_column, inspectors=[inspection])
        objects.append(_Object(entry, report, list(inspection.findings()), inspection.hashes, inspection.labels))
    _note_repetitions(objects, rules.limits)
    reports = [*_constant_labels(objects, arguments), *(each.reported() for each in objects)]
    document = _document(arguments, contract, champion, reports)
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    (paths.processing_output("report") / REPORT).write_text(text, "utf-8")
    print(document["summary"])  # noqa: T201  # the job's log


def _note_repetitions(objects: list[_Object], limits: Limits) -> None:
    """Charge repeated rows to the object that comes later in the order of keys."""
    for number, repetition in duplicates.repetitions([each.hashes for each in objects]):
        repeating, source = objects[number], objects[repetition.source].entry
        share = repetition.rows / repeating.report.rows
        where = "itself" if source == repeating.entry else source.key
        reason = (
            f"repeats {repetition.rows} rows ({share:.1%}), some of them from {where}; "
            f"at most {limits.max_duplicate_share:.1%} are taken"
        )
        problem = Problem(None, "duplicate", reason, repetition.rows, source.key)
        repeating.findings += judged(share, limit=limits.max_duplicate_share, problem=problem)


def _constant_labels(objects: list[_Object], arguments: ValidateArguments) -> Iterator[ObjectReport]:
    """Refuse a snapshot whose labels are all the same: there is nothing to learn from it."""
    ranges = [each.labels for each in objects if each.labels is not None]
    values = {value for both in ranges for value in both}
    if len(values) == 1 and not any(each.report.problems for each in objects):
        labelled = sum(each.report.rows - each.report.unlabelled for each in objects)
        example = example_of(values.pop())
        reason = f"is {example} in all {labelled} rows with a label; a model needs rows that differ"
        problem = Problem(arguments.target, "label_constant", reason, labelled, example)
        yield ObjectReport(arguments.snapshot_uri, None, rows=0, unlabelled=0, problems=(problem,), warnings=())


def _summary(reports: list[ObjectReport]) -> str:
    sentences = [sentence for report in reports for sentence in report.sentences()]
    if sentences:
        more = f" ({len(sentences) - 1} more in {REPORT})" if len(sentences) > 1 else ""
        return exit_message(sentences[0], reserve=len(more)) + more
    warnings = sum(len(report.warnings) for report in reports)
    rows = sum(report.rows for report in reports)
    return f"accepted {len(reports)} objects with {rows} rows" + (f", {warnings} warnings" if warnings else "")


def _document(
    arguments: ValidateArguments,
    contract: contracts.Contract,
    champion: baseline.Baseline,
    reports: list[ObjectReport],
) -> dict[str, Any]:
    """Describe the verdict. The lists are cut, the counts are not, so that SageMaker can always read the file."""
    moment = future.time_of_run(arguments.run_id)
    quarantined = [report for report in reports if report.problems]
    warned = [report for report in reports if report.warnings]
    return {
        "format": _FORMAT,
        "snapshot_id": arguments.snapshot_id,
        "contract_version": contract.version,
        "accepted": not quarantined,
        "summary": _summary(reports),
        "time_of_run": None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "baseline": {
            "run_id": champion.run_id,
            "rows": None if champion.profile is None else champion.profile.rows,
            "reason": champion.reason,
        },
        "limits": asdict(arguments.limits),
        "objects": {"checked": len(reports), "quarantined": len(quarantined), "warned": len(warned)},
        "rows": sum(report.rows for report in reports),
        "unlabelled": sum(report.unlabelled for report in reports),
        "quarantined": [_listed(report, report.problems) for report in quarantined[:_LISTED_OBJECTS]],
        "warnings": [_listed(report, report.warnings) for report in warned[:_LISTED_OBJECTS]],
    }


def _listed(report: ObjectReport, problems: tuple[Problem, ...]) -> dict[str, Any]:
    return {
        "key": report.key,
        "version_id": report.version_id,
        "rows": report.rows,
        "unlabelled": report.unlabelled,
        "problems": [asdict(problem) for problem in problems[:_LISTED_PROBLEMS]],
    }
