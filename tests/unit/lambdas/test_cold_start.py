"""What a handler loads before its first event, in a fresh process with only what Lambda provides."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.lambdas.support.lambda_packages import assemble

ROOT = Path(__file__).parents[3]
HANDLERS = ["start_training", "close_training", "deploy_model", "confirm_deployment"]
PROGRAM = """
import importlib, json, sys
from pathlib import Path
importlib.import_module(f"lambdas.{sys.argv[1]}.handler")
from lambdas.shared import clients
clients.dynamodb()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules} | {
    name for name in sys.modules if name.startswith("lambdas.")})))
"""

MEASURE = """
from lambdas.shared import telemetry
telemetry.count("Messages")
telemetry.metrics.flush_metrics()
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return assemble(tmp_path_factory.mktemp("lambda"))


def run(program: str, *arguments: str, packages: Path, code: Path, **variables: str) -> str:
    """Run a program as Lambda would; return the last line it prints."""
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": f"{code}{os.pathsep}{packages}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_SERVICE_NAME": "tests",
        **variables,
    }
    # -S keeps the site packages of this machine away, so that a package Lambda lacks is missed here.
    command = [sys.executable, "-S", "-c", program, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def loaded(handler: str, packages: Path, code: Path) -> set[str]:
    return set(json.loads(run(PROGRAM, handler, packages=packages, code=code)))


def asset(handler: str, folder: Path) -> Path:
    """The asset as it is deployed: the shared modules and one handler."""
    (folder / "lambdas").mkdir()
    for name in ("__init__.py", "shared", handler):
        (folder / "lambdas" / name).symlink_to(ROOT / "lambdas" / name)
    return folder


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_starts_with_its_own_asset_and_loads_nothing_heavy(
    handler: str, packages: Path, tmp_path: Path
) -> None:
    modules = loaded(handler, packages, asset(handler, tmp_path))
    assert not modules & {"boto3", "s3transfer", "aws_xray_sdk", "numpy", "pandas"}
    others = set(HANDLERS) - {handler}
    assert not {name for name in modules if name.startswith("lambdas.") and name.split(".")[1] in others}


def test_metrics_tell_functions_and_deployments_apart(packages: Path) -> None:
    variables = {
        "POWERTOOLS_SERVICE_NAME": "start_training",
        "POWERTOOLS_METRICS_NAMESPACE": "Tandem",
        "PROJECT": "flights",
        "ENVIRONMENT": "production",
    }
    told = json.loads(run(MEASURE, packages=packages, code=ROOT, **variables))

    (measured,) = told["_aws"]["CloudWatchMetrics"]
    assert measured["Namespace"] == "Tandem"
    assert [set(dimensions) for dimensions in measured["Dimensions"]] == [{"service", "project", "environment"}]
    assert (told["service"], told["project"], told["environment"]) == ("start_training", "flights", "production")
    assert told["Messages"] == [1.0]
