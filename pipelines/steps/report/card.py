"""The model card of a version, as SageMaker's model registry keeps it: ``ModelCardContent`` of CreateModelPackage.

Where it is set: step Evaluate writes the card's JSON as one text into ``model_card.json``, and step Register hands that
text on through ``JsonGet`` (a property file of Evaluate). So the card carries the metrics of this very run, which no
text that is fixed when the pipeline is compiled could. SageMaker takes it: ``ModelCardContent`` may be a pipeline
variable (SDK 3, ``ModelPackageModelCard.model_card_content``), ``JsonGet`` is served to every type of step (SDK pull
request 2506, "support JsonGet for all step types"), and the SDK's own integration tests register packages with cards.

What it says follows the AWS pages "Model card JSON schema" and "View and Update the Details of a Model Version"
(there: model package model card schema): unknown keys are refused, ``model_overview`` holds creator and artifact
only, every text has a limit, and the whole has at most 100,000 characters without a line break. Texts are cut to their
limits here, because a card that is refused would refuse the model with it.
"""

import json
from collections.abc import Mapping
from typing import Any

from pipelines.steps.report.evaluation import Check, Evaluation
from pipelines.steps.report.provenance import Provenance, pairs

CARD = "model_card.json"
_FORMAT = 1
_LONG, _TEXT, _NAME, _KEY, _OBSERVATION = 2048, 1024, 63, 255, 2096
_MOST = 50
_TASKS = {"regression": "a number per row", "binary_classification": "the probability of the positive class per row"}


def document(evaluation: Evaluation, provenance: Provenance) -> str:
    """Return the text of ``model_card.json``: the card's JSON as one value, which JsonGet can hand on whole."""
    text = json.dumps(content(evaluation, provenance), sort_keys=True, allow_nan=False)
    return json.dumps({"format": _FORMAT, "content": text}, indent=2, sort_keys=True) + "\n"


def content(evaluation: Evaluation, provenance: Provenance) -> dict[str, Any]:
    """Return the card."""
    run, training = provenance.run, provenance.training
    return {
        "model_overview": {
            "model_creator": _cut(f"Tandem, run {run.run_id} of project {evaluation.project}", _TEXT),
            "model_artifact": [_cut(f"{run.run_uri}/model/model.tar.gz", _TEXT)],
        },
        "intended_uses": {
            "purpose_of_model": _cut(run.description or evaluation.project, _LONG),
            "intended_uses": _cut(
                f"Predicts {evaluation.target!r}: {_TASKS[evaluation.task]} that keeps contract "
                f"{training.contract_version}. Not meant for other inputs or other questions.",
                _LONG,
            ),
            "factors_affecting_model_efficiency": _cut(
                f"Data that differs from what it was trained on (rows up to {training.trained_until}); see the slices "
                "and the residuals or the calibration in the report.",
                _LONG,
            ),
            "risk_rating": "Unknown",
            "explanations_for_risk_rating": "Nobody has rated the risk of this use yet.",
        },
        "training_details": _training(evaluation, provenance),
        "evaluation_details": [_evaluation(evaluation, provenance)],
        "additional_information": {
            "caveats_and_recommendations": _cut(
                "Judged on rows newer than everything it was trained on. What the past cannot show, the judgement does "
                "not cover: watch the monitors.",
                _LONG,
            ),
            "custom_details": {
                name: _cut(value, _TEXT)
                for name, value in (
                    ("run_id", run.run_id),
                    ("reason", run.reason),
                    ("report", run.report_uri),
                    ("snapshot_id", evaluation.snapshot_id),
                    ("code_version", run.code_version),
                    ("code_bundle", run.code_bundle),
                    ("contract_version", training.contract_version),
                    ("seed", str(training.seed)),
                    ("libraries", pairs(training.libraries)),
                )
                if value
            },
        },
    }


def _training(evaluation: Evaluation, provenance: Provenance) -> dict[str, Any]:
    run, training = provenance.run, provenance.training
    hyperparameters = sorted(training.hyperparameters.items())[:_MOST]
    return {
        "training_observations": _cut(
            f"Trained on {evaluation.rows['train']} rows up to {training.trained_until} with seed {training.seed}; the "
            "same snapshot, code and seed give the same bytes.",
            _TEXT,
        ),
        "training_job_details": {
            "training_datasets": [_cut(run.snapshot_uri, _TEXT)],
            "training_environment": {"container_image": [_cut(run.image, _TEXT)]},
            "user_provided_hyper_parameters": [
                {"name": _cut(name, _KEY), "value": _cut(value, _KEY)} for name, value in hyperparameters
            ],
        },
    }


def _evaluation(evaluation: Evaluation, provenance: Provenance) -> dict[str, Any]:
    champion = evaluation.champion
    groups = [_group("challenger", evaluation.metrics), _group("naive predictor", evaluation.naive)]
    if champion is not None and champion.metrics:
        groups.append(_group("champion", champion.metrics))
    if evaluation.comparison is not None:
        judged = [check for check in evaluation.comparison.checks if check.change is not None]
        groups.append(_group("improvement over the champion", _improvements(evaluation, judged[:_MOST])))
    window = evaluation.window
    details = {
        "decision": "promoted" if evaluation.promote else "kept out",
        "rule": evaluation.rule,
        "metric": evaluation.metric,
        "judged_rows": str(evaluation.rows["judged"]),
        "window": evaluation.span,
        "clusters": f"{window['clusters']} ({window['unit']})",
        "champion": "none" if champion is None else champion.package_arn,
        "report": provenance.run.report_uri,
    }
    return {
        "name": "gate on the newest held-out rows",
        "evaluation_observation": _cut(evaluation.reason, _OBSERVATION),
        "datasets": [_cut(provenance.run.snapshot_uri, _TEXT)],
        "metadata": {name: _cut(value, _TEXT) for name, value in details.items()},
        "metric_groups": [group for group in groups if group["metric_data"]],
    }


def _improvements(evaluation: Evaluation, checks: list[Check]) -> dict[str, float | None]:
    found = evaluation.comparison
    if found is None:
        return {}
    shares = {evaluation.metric: found.improvement, f"{evaluation.metric}, lower bound": found.lower}
    return shares | {check.name: check.change for check in checks}


def _group(name: str, values: Mapping[str, float | None]) -> dict[str, Any]:
    metrics = [
        {"name": _cut(key, _KEY), "type": "number", "value": value}
        for key, value in values.items()
        if value is not None
    ]
    return {"name": _cut(name, _NAME), "metric_data": metrics}


def _cut(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
