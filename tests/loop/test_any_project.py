"""A project that is nothing but its folder goes from drops to served predictions by the same deployed code.

``TANDEM_PROJECT`` names it, ``late`` by default: a classification beside the regression of the other loop tests. The
delivery of a project's ML code runs this with the project that it delivers.
"""

import json
import math
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import recorded_calls
from deployed_loop import Loop

from lambdas.shared.records import LiveModel, Run, RunStatus
from sandbox.server import Sandbox

pytestmark = pytest.mark.loop

PROJECT = os.environ.get("TANDEM_PROJECT", "late")
FOLDER = Path(__file__).parents[2] / "pipelines" / "projects" / PROJECT


@dataclass(frozen=True)
class Served:
    """The first model of the project, and the run that made it."""

    live: LiveModel
    run: Run


@pytest.fixture(scope="module", name="settings")
def _settings() -> Mapping[str, Any]:
    return tomllib.loads((FOLDER / "project.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    folder = tmp_path_factory.mktemp("drops")
    feed = [sys.executable, "-m", f"pipelines.projects.{PROJECT}.feed", "--months", "1,2", "--to", str(folder)]
    subprocess.run(feed, check=True)
    drops = {path.parent.name.removeprefix("period="): path for path in folder.rglob("*.parquet")}
    with Sandbox(tmp_path_factory.mktemp("sandbox"), enforce_iam=True) as sandbox:
        outputs = {key: value for stack in sandbox.deploy(PROJECT).outputs.values() for key, value in stack.items()}
        yield Loop(sandbox=sandbox, outputs=outputs, drops=drops)
        lines = recorded_calls.recorded(sandbox, stage=f"{PROJECT}-sandbox")
        assert recorded_calls.denied(lines) == []
        assert len({line["role"] for line in lines}) > 5, "every handler, the jobs and the model have called"


@pytest.fixture(scope="module", name="served")
def _served(loop: Loop, settings: Mapping[str, Any]) -> Served:
    """Two drops; everything after that is done by the deployed events, and by a person where the project wants one."""
    prefix = settings.get("data", {}).get("prefix", "data/")
    keys = [f"{prefix}period={period}/{path.name}" for period, path in sorted(loop.drops.items())]
    for key, path in zip(keys, sorted(loop.drops.values()), strict=True):
        loop.client("s3").upload_file(str(path), loop.outputs["DataBucketName"], key)
    run = loop.wait_for_end_of(keys[0])
    assert run.status is RunStatus.PROMOTED, run.failure or run.gate_reason
    if run.parameters["ApprovalStatus"] != "Approved":
        loop.client("sagemaker").update_model_package(
            ModelPackageArn=run.package_arn, ModelApprovalStatus="Approved", ApprovalDescription="a test"
        )
    return Served(live=loop.wait_for("the first model to be live", loop.ledger.live), run=run)


def test_its_first_model_is_better_than_the_naive_predictor_and_live(
    served: Served, settings: Mapping[str, Any]
) -> None:
    gate = settings["gate"]
    better = 1 if gate["direction"] == "maximize" else -1

    assert (served.run.version, served.live.version) == (1, 1)
    assert better * served.run.metrics[gate["metric"]] > better * served.run.naive_metrics[gate["metric"]]


@pytest.mark.usefixtures("served")
def test_its_endpoint_answers_the_example_of_its_clients_and_its_own_rows(
    loop: Loop, settings: Mapping[str, Any]
) -> None:
    contract = json.loads((FOLDER / "contract.json").read_text("utf-8"))
    names = [each["name"] for each in contract["inputs"]]
    newest = max(loop.drops)
    rows = pq.ParquetFile(loop.drops[newest]).read().slice(0, 50).to_pylist()
    example = json.loads((FOLDER / "example.json").read_text("utf-8"))
    records = [example, *({name: row[name] for name in names} for row in rows)]

    answer = json.loads(loop.ask(json.dumps({"instances": records}, default=str)))

    predictions = answer["predictions"]
    assert len(predictions) == len(records) > 1
    assert all(math.isfinite(each) for each in predictions)
    assert len(set(predictions)) > 1, "a constant is no model"
    if settings["project"]["task"] == "binary_classification":
        assert all(0 <= probability <= 1 for probability in predictions)
