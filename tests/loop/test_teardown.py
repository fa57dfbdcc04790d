"""After `ops teardown` and `cdk destroy` nothing is left of a stage but what AWS itself keeps, in any service."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deployed_loop import PROJECT, Loop
from registered_models import register
from remains import Name, everything

from ops.errors import ExitCode
from sandbox.demo.cloud import Cloud
from sandbox.server import Sandbox

# SageMaker has no operation that deletes the record of a job, and the log groups of jobs belong to all stages. A key
# goes days after it was deleted. The group `default` is there in every account.
KEPT_BY_AWS = (
    ("kms Keys, PendingDeletion", r".+"),
    ("logs logGroups", r"/aws/sagemaker/(ProcessingJobs|TrainingJobs)"),
    ("sagemaker ProcessingJobSummaries", r"pipelines-[a-z0-9]{12}-.+"),
    ("sagemaker TrainingJobSummaries", r"pipelines-[a-z0-9]{12}-.+"),
    ("scheduler ScheduleGroups", r"default"),
)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """Nothing else is in it."""
    with Sandbox(tmp_path / "state") as running:
        yield running


def command(sandbox: Sandbox, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run one of the two command lines as a person does."""
    line = [sys.executable, "-m", *arguments, "--state", str(sandbox.directory.path)]
    return subprocess.run(line, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)


def live_in(sandbox: Sandbox, environment: str) -> Loop:
    """Deploy the stage, let a model serve in it, and let a drop be trained on."""
    deployment = sandbox.deploy(PROJECT, environment=environment)
    outputs = {key: value for stack in deployment.outputs.values() for key, value in stack.items()}
    loop = Loop(sandbox=sandbox, outputs=outputs, drops={})
    register(Cloud(sandbox.endpoint_url, PROJECT, environment, sandbox.directory.logs))
    loop.wait_for("the model to be live", loop.ledger.live)
    for _ in range(2):
        loop.remove(loop.drop("2013-01", b"no parquet"))
    loop.drop("2013-02", b"no parquet")
    if environment == "sandbox":  # elsewhere drops settle for longer than a test

        def logged() -> bool | None:
            names = {name for what, name in everything(loop.client) if what == "logs Streams"}
            return any(name.startswith("pipelines-") for name in names) or None

        loop.wait_for("the logs of a job", logged)
    return loop


def unexpected(found: set[Name]) -> set[Name]:
    """What only a person could have kept."""
    return {
        name for name in found if not any(what == name[0] and re.fullmatch(how, name[1]) for what, how in KEPT_BY_AWS)
    }


@pytest.mark.parametrize(("environment", "flags"), [("sandbox", []), ("production", ["--delete-retained"])])
def test_nothing_is_left_in_any_service(sandbox: Sandbox, environment: str, flags: list[str]) -> None:
    loop = live_in(sandbox, environment)
    where = ["--sandbox", "--project", PROJECT, "--environment", environment]
    assert len(everything(loop.client)) > 80
    if flags:
        refused = command(sandbox, "ops", "teardown", "--yes", *where)
        assert refused.returncode == ExitCode.RETAINED, refused.stderr
        assert loop.outputs["DataBucketName"] in refused.stderr
        assert loop.ledger.live() is not None

    done = command(sandbox, "ops", "teardown", "--yes", *flags, *where, "--json")
    assert done.returncode == ExitCode.OK, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["left"] == []
    again = command(sandbox, "ops", "teardown", *where)
    assert again.returncode == ExitCode.OK, again.stderr

    program, *destroy = answer["destroy"].split()
    assert (program, destroy[0]) == ("python", "-m")
    destroyed = command(sandbox, *destroy[1:])
    assert destroyed.returncode == 0, destroyed.stderr
    found = everything(loop.client)
    print(*sorted(found), sep="\n")  # noqa: T201
    assert unexpected(found) == set()
