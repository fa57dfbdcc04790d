"""The function as it is deployed: its own asset, only what Lambda provides, one process for several requests."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from http_api_call import event

from stacks.constructs.staging import Staging
from stacks.settings import load_projects, select
from tests.unit.application.support.endpoint import NOT_FOUND, EndpointServer, Failure
from tests.unit.lambdas.support.lambda_packages import assemble

ROOT = Path(__file__).parents[3]
RECORD: dict[str, Any] = json.loads((ROOT / "pipelines" / "projects" / "flights" / "example.json").read_text("utf-8"))
"""What the packed contract takes, whichever fields it has today."""
PROGRAM = """
import json, sys
from application.handler import handler

class Context:
    aws_request_id = "lambda-request"
    function_name = "application"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:application"
    def get_remaining_time_in_millis(self):
        return 15000

for line in sys.stdin:
    try:
        answer = handler(json.loads(line), Context())
    except Exception as error:
        answer = {"statusCode": 500, "error": str(error)}
    print(json.dumps({"answer": answer}))
print(json.dumps({"loaded": sorted(sys.modules)}))
"""
VARIABLES = {
    "PROJECT": "flights",
    "ENVIRONMENT": "test",
    "ENDPOINT_NAME": "flights-test",
    "LEDGER_TABLE": "ledger",
    "DATA_BUCKET": "data",
    "ARTIFACTS_BUCKET": "artifacts",
    "MAX_RECORDS": "5",
    "TIMEOUT_SECONDS": "3",
    "CODE_VERSION": "abc123",
    "POWERTOOLS_SERVICE_NAME": "application",
    "POWERTOOLS_METRICS_NAMESPACE": "Tandem",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}


@dataclass(frozen=True)
class Said:
    """What the process printed: answers, metrics by request, log records, and the modules it had loaded."""

    lines: list[dict[str, Any]]
    text: str

    @property
    def answers(self) -> list[dict[str, Any]]:
        return [each["answer"] for each in self.lines if "answer" in each]

    @property
    def metrics(self) -> list[dict[str, float]]:
        return [
            {metric["Name"]: sum(each[metric["Name"]]) for metric in each["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
            for each in self.lines
            if "_aws" in each and "ColdStart" not in each
        ]

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [each for each in self.lines if each.get("message") == "request"]

    @property
    def loaded(self) -> set[str]:
        return set(self.lines[-1]["loaded"])


Run = Callable[..., Said]


@pytest.fixture(scope="module")
def asset() -> Iterator[Path]:
    settings = select(load_projects(ROOT), project="flights", environment=None)[0]
    with Staging() as staging:
        yield Path(staging.application(settings, root=ROOT))


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return assemble(tmp_path_factory.mktemp("lambda"))


@pytest.fixture
def run(asset: Path, packages: Path, endpoint: EndpointServer, embedded_url: str) -> Run:
    def start(*events: Any, **variables: str) -> Said:
        environment = VARIABLES | {
            "PATH": os.defpath,
            "PYTHONPATH": f"{asset}{os.pathsep}{packages}",
            "AWS_ENDPOINT_URL": embedded_url,
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": endpoint.url,
            **variables,
        }
        done = subprocess.run(
            # -S keeps the site packages of this machine away, so that a package Lambda lacks is missed here.
            [sys.executable, "-S", "-c", PROGRAM],
            env=environment,
            cwd=asset,
            input="".join(json.dumps(each) + "\n" for each in events),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr
        return Said([json.loads(line) for line in done.stdout.splitlines()], done.stdout)

    return start


def asked(*records: dict[str, Any]) -> dict[str, Any]:
    return event("POST", "/predictions", {"records": list(records)})


def test_the_function_starts_with_its_own_asset_and_loads_nothing_heavy(run: Run) -> None:
    loaded = run(event("GET", "/openapi.json")).loaded
    assert not loaded & {"boto3", "s3transfer", "aws_xray_sdk", "numpy", "aws_lambda_powertools.event_handler"}
    assert not {name for name in loaded if name.partition(".")[0] in {"pipelines", "stacks"}}


def test_requests_are_counted_with_the_dimensions_that_the_alarm_looks_at(run: Run) -> None:
    said = run(asked(RECORD, RECORD), asked({}), event("GET", "/nowhere"))
    assert [each["statusCode"] for each in said.answers] == [200, 422, 404]
    predicted, refused, unknown = said.metrics
    assert predicted.pop("EndpointLatency") > 0
    assert predicted == {"Requests": 1, "Predictions": 2, "PredictionErrors": 0}
    assert refused == {"Requests": 1, "PredictionErrors": 0}
    assert unknown == {"Requests": 1}
    for each in said.lines:
        if "_aws" in each and "ColdStart" not in each:
            (measured,) = each["_aws"]["CloudWatchMetrics"]
            assert measured["Namespace"] == "Tandem"
            assert [set(names) for names in measured["Dimensions"]] == [{"project", "environment", "service"}]
            assert [each[name] for name in ("project", "environment", "service")] == ["flights", "test", "application"]


@pytest.mark.parametrize(
    ("failure", "status", "errors"),
    [
        (Failure(503, "ServiceUnavailable"), 503, 1),
        (Failure(424, "ModelError", members={"OriginalStatusCode": 500}), 502, 1),
        (NOT_FOUND, 503, 1),
    ],
)
def test_what_could_not_be_answered_because_of_us_counts_as_an_error(
    run: Run, endpoint: EndpointServer, failure: Failure, status: int, errors: int
) -> None:
    endpoint.failure = failure
    said = run(asked(RECORD))
    assert said.answers[0]["statusCode"] == status
    assert said.metrics[0]["PredictionErrors"] == errors


def test_a_request_is_logged_with_its_id_and_never_with_its_values(run: Run) -> None:
    said = run(asked(RECORD), asked(RECORD | {"carrier": "secret-airline"}))
    predicted, refused = said.requests
    assert (predicted["status"], predicted["model_version"], predicted["inference_id"], predicted["records"]) == (
        200,
        "7",
        "JKJaXmPLvHcESHA=",
        1,
    )
    assert predicted["duration_ms"] > 0
    assert refused["status"] == 422
    assert "model_version" not in refused, "what was logged of one request stays with it"
    logged = json.dumps([each for each in said.lines if "answer" not in each])
    assert "secret-airline" not in logged
    assert RECORD["time_hour"] not in logged


def test_a_missing_variable_stops_the_start_and_is_named(run: Run) -> None:
    with pytest.raises(AssertionError, match="MAX_RECORDS='many'"):
        run(MAX_RECORDS="many")
