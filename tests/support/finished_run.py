"""Documents of a run as its steps leave them, made up but shaped like the real ones, for the report."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.steps import evaluation, metrics
from pipelines.steps.artifact import Training
from pipelines.steps.evaluation import ChampionFacts, Evaluation, Scored
from pipelines.steps.gate import clusters, comparison, rules, verdict
from pipelines.steps.gate.comparison import Values
from pipelines.steps.plugin import FloatArray
from pipelines.steps.report import Provenance, Run, Sources

HOSTILE = '<script>alert("x")</script><img src=http://evil.example/ onerror=alert(1)>&amp;\u202e=HYPERLINK("http://e")'
FORMULA = "=cmd|' /C calc'!A0"


START = np.datetime64("2013-04-17T00:00:00", "us")
SNAPSHOT = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
PACKAGE = "arn:aws:sagemaker:us-east-1:000000000000:model-package/flights-production/3"
_COMMON: dict[str, Any] = {
    "margin": 0.01,
    "alpha": 0.01,
    "min_improvement_over_naive": 0.1,
    "unit": "day",
    "min_clusters": 7,
    "slices": "origin:100:0.05",
}
RULES = {
    "regression": rules.parse(task="regression", metric="rmse", direction="minimize", guards="mae:0.02", **_COMMON),
    "binary_classification": rules.parse(
        task="binary_classification", metric="auc", direction="maximize", guards="log_loss:0.02", **_COMMON
    ),
}
Hours = npt.NDArray[np.int64]
Predictions = tuple[FloatArray, FloatArray, FloatArray]
"""Target, challenger and champion on the same rows."""


def provenance(**changes: str) -> Provenance:
    """Return where the run comes from; ``changes`` replace what it was started with."""
    run = Run(
        description="Minutes in the air of flights leaving New York",
        run_id="20130415T101500Z-1a2b3c4d",
        reason="new data: data/period=2013-04/flights.parquet and 2 more",
        run_uri="s3://flights-artifacts/runs/20130415T101500Z-1a2b3c4d",
        snapshot_uri=f"s3://flights-artifacts/snapshots/{SNAPSHOT}.json",
        code_version="8d9942b0c1d2e3f405162738495a6b7c8d9e0f1a",
        code_bundle="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.zip",
        image="683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
    )
    training = Training(
        project="flights",
        target="air_time",
        snapshot_id=SNAPSHOT,
        contract_version="1",
        seed=2013,
        hyperparameters={"rounds": "300", "max_depth": "8", "learning_rate": "0.1"},
        rows=98_211,
        trained_until="2013-04-16T23:00:00+00:00",
        libraries={"numpy": "2.1.3", "pyarrow": "22.0.0", "xgboost": "3.2.0"},
    )
    return Provenance(run=replace(run, **changes), training=training)


def leave(
    folder: Path,
    *,
    task: str = "regression",
    days: int = 14,
    rows: int = 4_000,
    champion: bool = True,
    text: str = "EWR",
) -> Sources:
    """Write the documents of a run into a folder; ``text`` is a value that came with the data."""
    folder.mkdir(parents=True, exist_ok=True)
    found = evaluated(task=task, days=days, rows=rows, champion=champion, text=text)
    evaluation.write(found, folder)
    accepted = {"format": 2, "accepted": True, "summary": f"accepted 4 objects, the last from {text}"}
    (folder / "validation.json").write_text(json.dumps(accepted), "utf-8")
    (folder / "prepare.json").write_text(json.dumps(_preparation(rows)), "utf-8")
    return Sources(
        evaluation=folder / evaluation.EVALUATION,
        scores=folder / evaluation.SCORES,
        validation=folder / "validation.json",
        preparation=folder / "prepare.json",
    )


def evaluated(*, task: str, days: int, rows: int, champion: bool, text: str) -> Evaluation:
    """Judge two models by the real gate, or the first one against the naive predictor."""
    hours = np.sort(np.random.default_rng(5).integers(0, days * 24, rows))
    target, challenger, live = (_regression if task == "regression" else _classification)(hours)
    moments = ((START + hours.astype("timedelta64[h]")) - np.datetime64(0, "us")).astype(np.int64)
    origins = Values(names=(text, "JFK", FORMULA), of_row=np.where(hours % 3 == 0, 0, 1 + (hours == 5)))
    scored = Scored(
        moments=moments,
        target=target,
        challenger=challenger,
        champion=live if champion else None,
        clusters=clusters.by_time(moments, "day"),
        slices={"origin": origins},
    )
    judged_by = RULES[task]
    naive = float(target.mean() + 4) if task == "regression" else float(target.mean())
    facts = ChampionFacts(package_arn=PACKAGE, version=3, trained_until="2013-03-17T23:00:00+00:00")
    compared = comparison.compare(scored.judged(), judged_by) if champion else None
    metric = metrics.of_task(task)[judged_by.metric]
    return Evaluation(
        project="flights",
        target="air_time",
        snapshot_id=SNAPSHOT,
        train_rows=98_211,
        holdout_rows=rows,
        scored=scored,
        intervals=evaluation.intervals(judged_by.task, scored, challenger),
        naive=naive,
        rules=judged_by,
        verdict=verdict.against_naive(
            metric.compute(target, challenger), metric.compute(target, np.full(rows, naive)), judged_by
        )
        if compared is None
        else verdict.against_champion(compared, judged_by),
        window=scored,
        champion=facts if champion else None,
        comparison=compared,
    )


def _regression(hours: Hours) -> Predictions:
    random = np.random.default_rng(7)
    target = np.round(40 + 60 * random.gamma(2.2, 1.1, len(hours)))
    wind = np.random.default_rng(8).normal(0, 9, int(hours.max()) // 24 + 1)[hours // 24]
    challenger = target + 0.3 * wind + random.normal(0, 11, len(hours))
    return target, challenger, target + 0.8 * wind + random.normal(3, 13, len(hours))


def _classification(hours: Hours) -> Predictions:
    random = np.random.default_rng(9)
    signal = random.normal(0, 1.1, len(hours)) + 0.4 * np.sin(hours / 24)
    target = (random.random(len(hours)) < 1 / (1 + np.exp(1.2 - signal))).astype("float64")
    challenger = 1 / (1 + np.exp(1.1 - 0.9 * signal - random.normal(0, 0.4, len(hours))))
    return target, challenger, 1 / (1 + np.exp(0.8 - 0.5 * signal - random.normal(0, 0.9, len(hours))))


def _preparation(rows: int) -> dict[str, Any]:
    return {
        "format": 1,
        "snapshot_id": "5e884898da28",
        "objects": 4,
        "rows": 104_000,
        "unlabelled": 1_789,
        "train": 98_211,
        "holdout": rows,
        "oldest": "2013-01-01T10:00:00Z",
        "cut": "2013-04-16T23:00:00Z",
        "newest": "2013-04-30T23:00:00Z",
    }
