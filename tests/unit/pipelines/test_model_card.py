"""The model card keeps SageMaker's schema whatever the run and its data are called."""

import json
import re
from pathlib import Path

import botocore.session
import finished_run
import pytest
from model_card_schema import MOST_CHARACTERS, ModelCard

from pipelines.steps import report

LONG = "a long story. " * 1_000


def card(folder: Path, *, champion: bool = True, task: str = "regression", text: str = "EWR", **run: str) -> str:
    sources = finished_run.leave(folder, champion=champion, task=task, text=text)
    report.write(folder, sources=sources, provenance=finished_run.provenance(**run))
    document = json.loads((folder / "model_card.json").read_text("utf-8"))
    assert document["format"] == 1
    content: str = document["content"]
    return content


@pytest.mark.parametrize("task", ["regression", "binary_classification"])
@pytest.mark.parametrize("champion", [True, False], ids=["champion", "first"])
def test_a_card_keeps_the_published_schema(tmp_path: Path, task: str, champion: bool) -> None:  # noqa: FBT001
    ModelCard.model_validate_json(card(tmp_path, task=task, champion=champion))


def test_a_card_says_what_it_is_for_and_how_good_it_is(tmp_path: Path) -> None:
    found = ModelCard.model_validate_json(card(tmp_path))
    evaluation = json.loads((tmp_path / "evaluation.json").read_text("utf-8"))
    assert found.intended_uses.purpose_of_model == "Minutes in the air of flights leaving New York"
    (gate,) = found.evaluation_details
    assert gate.evaluation_observation == evaluation["gate"]["reason"]
    metrics = {group.name: {item.name: item.value for item in group.metric_data} for group in gate.metric_groups}
    assert metrics["challenger"] == evaluation["metrics"]
    assert metrics["champion"] == evaluation["champion"]["metrics"]
    assert metrics["improvement over the champion"]["rmse"] == evaluation["comparison"]["improvement"]
    report_uri = "s3://flights-artifacts/runs/20130415T101500Z-1a2b3c4d/evaluate/evaluation.html"
    assert found.additional_information.custom_details["report"] == report_uri


@pytest.mark.parametrize("text", [LONG, finished_run.HOSTILE, 'quote " and \\ and \n line', "\u2603\U0001f600"])
def test_no_text_breaks_a_card(tmp_path: Path, text: str) -> None:
    content = card(tmp_path, text=text, reason=text, description=text, run_id=text, code_version=text, image=text)
    ModelCard.model_validate_json(content)
    assert len(content) < MOST_CHARACTERS
    shape = botocore.session.get_session().get_service_model("sagemaker").shape_for("ModelCardContent")
    assert shape.metadata["max"] == MOST_CHARACTERS
    assert re.fullmatch(shape.metadata["pattern"], content)


def test_a_missing_description_leaves_the_project_as_the_purpose(tmp_path: Path) -> None:
    found = ModelCard.model_validate_json(card(tmp_path, description=""))
    assert found.intended_uses.purpose_of_model == "flights"
