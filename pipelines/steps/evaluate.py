"""Step Evaluate: scores challenger and champion on rows that neither was trained on, decides, and packs the archive.

Nothing is promoted unless everything that the verdict rests on could be computed: a champion that cannot be scored
fails the step, after the report of that has been written.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.steps import artifact, aws, champion, columns, evaluation, metrics, prepare, report, validate
from pipelines.steps.champion import Champion, ChampionError
from pipelines.steps.drift import baseline
from pipelines.steps.evaluation import ChampionFacts, Evaluation, Intervals, Scored
from pipelines.steps.failure import StepError
from pipelines.steps.gate import clusters, comparison, verdict
from pipelines.steps.gate.comparison import Values
from pipelines.steps.gate.rules import Rules, Slice
from pipelines.steps.paths import Paths
from pipelines.steps.plugin import FloatArray
from pipelines.steps.prepare import read_rows
from pipelines.steps.profile import PROFILE
from pipelines.steps.report import reference

_MOST_VALUES = 100
"""Values of a slice column; more of them are no slices but noise."""

_UNKNOWN = "(unknown)"
"""How the slice of rows without a value is called."""


@dataclass(frozen=True)
class EvaluateArguments:
    """What the step is started with. ``champion`` is the ARN of the live version's package, or ``none``."""

    project: str
    target: str
    time_column: str
    champion: str
    rules: Rules
    run: report.Run


def run(arguments: EvaluateArguments, paths: Paths) -> None:
    """Write ``evaluation.json``, ``scores.parquet``, their report, ``baseline.json``, ``contract.json``, the archive.

    What is packed is what was scored: the archive of the training job is unpacked, loaded, scored and packed again.

    Raises:
        StepError: when an input is missing, the settings contradict each other, or a metric cannot be computed.
        ChampionError: when there is a champion and it cannot be scored.
    """
    train = read_rows(paths.processing_input("train"))
    holdout = read_rows(paths.processing_input("holdout"))
    with TemporaryDirectory(prefix="model-") as name:
        folder = Path(name)
        artifact.unpack(paths.processing_input("model") / artifact.ARCHIVE, folder)
        challenger = artifact.read(folder)
        rows = holdout.select([field.name for field in challenger.contract.inputs])
        scored = _scored(arguments, holdout, challenger.model.predict(rows))
        artifact.pack(folder, paths.processing_output("model") / artifact.ARCHIVE)
        _contract(folder, paths.processing_output("evaluation"))
    intervals = evaluation.intervals(arguments.rules.task, scored, scored.challenger)
    _baseline(train, scored, intervals, challenger, arguments).write(paths.processing_output("evaluation"))
    naive = float(np.mean(_column(train, arguments.target)))
    first = Evaluation(
        project=arguments.project,
        target=arguments.target,
        snapshot_id=challenger.training.snapshot_id,
        train_rows=len(train),
        holdout_rows=len(holdout),
        scored=scored,
        intervals=intervals,
        naive=naive,
        rules=arguments.rules,
        verdict=_against_naive(scored, naive, arguments.rules),
    )
    provenance = report.Provenance(run=arguments.run, training=challenger.training)
    if arguments.champion == champion.NONE:
        _leave(first, paths, provenance)
        return
    try:
        judged = _against_champion(first, holdout, arguments, paths)
    except ChampionError as error:
        _leave(_unreadable(first, arguments, error), paths, provenance)
        raise
    _leave(judged, paths, provenance)


def _contract(model: Path, folder: Path) -> None:
    """Leave the contract that the archive carries where it can be read without unpacking the archive."""
    document = json.loads((model / artifact.CONTRACT).read_text("utf-8"))
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / artifact.CONTRACT).write_text(text, "utf-8")


def _baseline(
    train: pa.Table,
    scored: Scored,
    intervals: Intervals,
    challenger: artifact.Artifact,
    arguments: EvaluateArguments,
) -> baseline.Baseline:
    """Measure what the monitor compares with once the challenger serves."""
    held_out = baseline.HeldOut(target=scored.target, prediction=scored.challenger, intervals=intervals)
    subject = baseline.Subject(
        project=arguments.project,
        task=arguments.rules.task,
        target=arguments.target,
        snapshot_id=challenger.training.snapshot_id,
    )
    return baseline.measure(train, columns.labelled_fields(challenger.contract), held_out, subject)


def _leave(found: Evaluation, paths: Paths, provenance: report.Provenance) -> None:
    """Write everything that the step tells about its verdict."""
    folder = paths.processing_output("evaluation")
    evaluation.write(found, folder)
    sources = report.Sources(
        evaluation=folder / evaluation.EVALUATION,
        scores=folder / evaluation.SCORES,
        validation=paths.processing_input("validation") / validate.REPORT,
        preparation=paths.processing_input("preparation") / prepare.REPORT,
        profile=paths.processing_input("preparation") / PROFILE,
        champion_profile=folder / report.CHAMPION_PROFILE,
    )
    report.write(folder, sources=sources, provenance=provenance)
    decision = "promote" if found.verdict.promote else "keep out"
    print(f"{decision}: {found.verdict.reason}")  # noqa: T201  # the job's log


def _against_naive(scored: Scored, naive: float, rules: Rules) -> verdict.Verdict:
    metric = metrics.of_task(rules.task)[rules.metric]
    constant = np.full(len(scored.target), naive)
    return verdict.against_naive(
        metric.compute(scored.target, scored.challenger), metric.compute(scored.target, constant), rules
    )


def _against_champion(first: Evaluation, holdout: pa.Table, arguments: EvaluateArguments, paths: Paths) -> Evaluation:
    rules = arguments.rules
    with TemporaryDirectory(prefix="champion-") as name:
        live = champion.fetch(
            arguments.champion,
            target=arguments.target,
            folder=Path(name),
            sagemaker=aws.client("sagemaker"),
            s3=aws.client("s3"),
        )
        profile = paths.processing_output("evaluation") / report.CHAMPION_PROFILE
        reference.fetch(live.package.archive, profile, aws.client("s3"))
        facts = ChampionFacts(
            package_arn=live.package.arn,
            version=live.package.version,
            trained_until=live.trained_until.isoformat(),
        )
        times = holdout.column(arguments.time_column)
        newer = pc.greater(times, pa.scalar(live.trained_until, times.type)).to_numpy()
        window = first.scored.where(newer)
        if len(window.clusters) < rules.min_clusters:
            newest = pc.max(times).as_py().isoformat()
            decision = verdict.no_common_window(
                rules, clusters=len(window.clusters), trained_until=facts.trained_until or "", newest=newest
            )
            return replace(first, champion=facts, window=window, verdict=decision)
        scored = replace(window, champion=_champion_scores(live, holdout.filter(newer), window, rules, Path(name)))
    compared = comparison.compare(scored.judged(), rules)
    is_whole = len(scored) == len(first.scored)
    return replace(
        first,
        scored=scored,
        intervals=first.intervals if is_whole else evaluation.intervals(rules.task, scored, scored.challenger),
        window=scored,
        champion=facts,
        comparison=compared,
        verdict=verdict.against_champion(compared, rules),
    )


def _champion_scores(live: Champion, rows: pa.Table, window: Scored, rules: Rules, folder: Path) -> FloatArray:
    scores = live.score(rows, folder=folder)
    try:
        metrics.check(rules.task, window.target, scores, model="champion")
    except StepError as error:
        raise ChampionError(
            f"{error}: reject version {live.package.version} so that the one before it serves"
        ) from error
    return scores


def _unreadable(first: Evaluation, arguments: EvaluateArguments, error: ChampionError) -> Evaluation:
    return replace(
        first,
        champion=ChampionFacts(package_arn=arguments.champion, version=None, trained_until=None),
        verdict=verdict.champion_unreadable(arguments.rules, str(error)),
    )


def _scored(arguments: EvaluateArguments, holdout: pa.Table, prediction: FloatArray) -> Scored:
    """Collect what is judged on: the whole hold-out, which the challenger was not trained on by its making.

    Raises:
        StepError: when the predictions, the labels or a slice's column are not what the gate can work with.
    """
    target = _column(holdout, arguments.target)
    metrics.check(arguments.rules.task, target, prediction, model="challenger")
    moments = holdout.column(arguments.time_column).cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    return Scored(
        moments=moments,
        target=target,
        challenger=prediction,
        champion=None,
        clusters=clusters.by_time(moments, arguments.rules.unit),
        slices={rule.column: _values(holdout, rule) for rule in arguments.rules.slices},
    )


def _values(holdout: pa.Table, rule: Slice) -> Values:
    if rule.column not in holdout.column_names:
        raise StepError(f"gate.slices names column {rule.column!r}, which the contract does not have")
    column = pc.fill_null(holdout.column(rule.column).cast(pa.string()), _UNKNOWN)
    encoded = pa.chunked_array([column.combine_chunks()]).dictionary_encode().combine_chunks()
    names = encoded.dictionary.to_pylist()
    if len(names) > _MOST_VALUES:
        raise StepError(
            f"gate.slices names column {rule.column!r}, which has {len(names)} values on the hold-out: "
            f"slice by a column of at most {_MOST_VALUES}"
        )
    return Values(names=tuple(names), of_row=encoded.indices.to_numpy().astype(np.intp))


def _column(rows: pa.Table, name: str) -> FloatArray:
    values: FloatArray = rows.column(name).to_numpy().astype("float64")
    return values
