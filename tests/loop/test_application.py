"""The deployed application, called over HTTP at its address, through its routes, its integration and its function."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from called_api import api_of
from deployed_loop import PROJECT, FirstModel, Loop

from pipelines.steps.monitor.ground_truth import read
from sandbox.application import signed_headers

pytestmark = pytest.mark.loop

EXAMPLE = Path(__file__).parents[2] / "pipelines" / "projects" / PROJECT / "example.json"
CASES = int(os.environ.get("TANDEM_TEST_CASES", "20"))
"""Requests that schemathesis makes for every way to go wrong, and as many that are right."""
LEAST = 200 + 1.5 * CASES
"""Cases that have to come of it: 230 at the least for 20, and 2,000 for 1,200; they are 325 and 2,685."""
EXPECTED = "[checks]\nnegative_data_rejection.expected-statuses = [400, 404, 405, 413, 415, 422]\n"
"""A batch that is too large is refused as such."""


@pytest.fixture(name="record")
def _record() -> dict[str, Any]:
    record: dict[str, Any] = json.loads(EXAMPLE.read_text("utf-8"))
    return record


def test_it_answers_as_the_endpoint_does_and_says_which_version_did(
    loop: Loop, first_model: FirstModel, record: dict[str, Any]
) -> None:
    other = record | {"distance": 214}

    answer = api_of(loop).post("/predictions", {"records": [record, other]})

    direct = json.loads(loop.ask(json.dumps({"instances": [record, other]})))
    assert answer.status == 200
    assert [each["prediction"] for each in answer.body["predictions"]] == direct["predictions"]
    assert answer.body["model_version"] == str(first_model.live.version)
    assert len({each["inference_id"] for each in answer.body["predictions"]}) == 2


def test_an_input_that_the_model_was_never_trained_on_is_answered_with_a_warning(
    loop: Loop, first_model: FirstModel, record: dict[str, Any]
) -> None:
    assert first_model.live.version == 1
    answer = api_of(loop).post("/predictions", {"records": [record | {"temp": 129.0}]})

    assert answer.status == 200
    assert [each["field"] for each in answer.body["predictions"][0]["warnings"]] == ["temp"]


def test_outcomes_arrive_as_ground_truth_and_telling_them_twice_changes_nothing(
    loop: Loop, first_model: FirstModel, record: dict[str, Any]
) -> None:
    assert first_model.live.version == 1
    api = api_of(loop)
    asked = api.post("/predictions", {"records": [record, record, record]}).body["predictions"]
    ids = [each["inference_id"] for each in asked]

    for told in ([(0, 212.0)], [(2, 199.5)], [(0, 212.0)]):
        outcomes = [{"inference_id": ids[at], "outcome": minutes} for at, minutes in told]
        assert api.post("/outcomes", {"outcomes": outcomes}).status == 202

    request_id = ids[0].rpartition(".")[0]
    labels = read(_ground_truth(loop, request_id))
    assert labels.of[request_id] == (212.0, None, 199.5)
    assert (sum(labels.conflicting.values()), labels.problems) == (0, [])


def test_it_tells_the_live_version_as_the_ledger_has_it(loop: Loop, first_model: FirstModel) -> None:
    answer = api_of(loop).get("/model")

    assert answer.status == 200
    assert (answer.body["version"], answer.body["run_id"]) == (first_model.live.version, first_model.run.run_id)
    assert answer.body["metrics"] == pytest.approx(first_model.run.metrics)
    assert answer.body["snapshot_id"] == first_model.run.snapshot_id


def test_a_request_that_breaks_the_contract_is_refused_with_its_fields_named(
    loop: Loop, first_model: FirstModel, record: dict[str, Any]
) -> None:
    assert first_model.live.version == 1
    answer = api_of(loop).post("/predictions", {"records": [record, record | {"origin": "LAX"}]})

    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [(each["field"], each["record"]) for each in answer.body["errors"]] == [("origin", 1)]


def test_nobody_gets_in_without_a_signature(loop: Loop) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{api_of(loop).url}/model", timeout=30)  # noqa: S310 - our own address

    with refused.value:
        assert refused.value.code == 403


def test_what_it_could_not_answer_is_a_metric_of_its_own_and_no_value_of_a_request_is_logged(
    loop: Loop, first_model: FirstModel, record: dict[str, Any]
) -> None:
    assert first_model.live.version == 1
    dimensions = {"project": PROJECT, "environment": "sandbox", "service": "application"}
    assert api_of(loop).post("/predictions", {"records": [record | {"dest": "ZQX"}]}).status == 200

    def counted() -> float | None:
        now = loop.sandbox.now()  # other tests move the clock
        points = loop.client("cloudwatch").get_metric_statistics(
            Namespace="Tandem",
            MetricName="PredictionErrors",
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=5),
            Period=60,
            Statistics=["SampleCount"],
        )["Datapoints"]
        return sum(point["SampleCount"] for point in points) or None

    assert loop.wait_for("the metric of the application", counted) >= 1
    logs = [path for path in loop.sandbox.directory.logs.rglob("*") if path.is_file() and "Application" in path.name]
    assert logs
    assert not any("ZQX" in path.read_text("utf-8", errors="replace") for path in logs)


def test_the_smoke_test_of_a_delivery_finds_it_working(loop: Loop, first_model: FirstModel) -> None:
    assert first_model.live.version == 1
    where = ["--sandbox", "--state", str(loop.sandbox.directory.path), "--project", PROJECT, "--json"]
    done = subprocess.run([sys.executable, "-m", "ops", "smoke", *where], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert (answer["works"], answer["model_live"], len(answer["calls"])) == (True, True, 5)


def test_no_request_that_a_strange_tool_can_think_of_brings_it_down(
    loop: Loop, first_model: FirstModel, tmp_path: Path
) -> None:
    assert first_model.live.version == 1
    url = api_of(loop).url
    signature = signed_headers("GET", f"{url}/openapi.json")["Authorization"]
    (tmp_path / "schemathesis.toml").write_text(EXPECTED)
    program = Path(sys.executable).with_name("schemathesis")
    options = ["--config-file", str(tmp_path / "schemathesis.toml"), "--no-color", "run", f"{url}/openapi.json"]
    done = subprocess.run(
        [program, *options, "--url", url, "-H", f"Authorization: {signature}", "-n", str(CASES), "--seed", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    print(done.stdout[-400:])  # noqa: T201
    assert done.returncode == 0, done.stdout[-4000:]
    assert _generated(done.stdout) >= LEAST, done.stdout[-400:]


def _generated(summary: str) -> int:
    """The number of test cases in schemathesis' summary; a run that made none says so and fails by itself."""
    (number,) = re.findall(r"^Test cases:\n +(\d+) generated", summary, flags=re.MULTILINE)
    return int(number)


def _ground_truth(loop: Loop, request_id: str) -> list[tuple[str, bytes]]:
    """Return what was told of one request; other tests tell outcomes too."""
    s3, bucket = loop.client("s3"), loop.outputs["DataBucketName"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="ground-truth/")
    keys = sorted(each["Key"] for page in pages for each in page.get("Contents", []))
    files = [(key, s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
    return [(key, content) for key, content in files if request_id.encode() in content]
