"""What the embedded SageMaker gets from the sandbox around it."""

from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.adapter.platform import EmbeddedPlatform
from sandbox.adapter.settings import MARKER, ServerSettings
from sandbox.clock import SandboxClock
from sandbox.sagemaker.platform import Platform
from sandbox.server import Sandbox

ROLE = "arn:aws:iam::000000000000:role/pipeline"


@pytest.fixture(scope="module")
def platform(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """The platform of a running sandbox, seen from another process."""
    settings = ServerSettings(
        state_dir=tmp_path_factory.mktemp("platform"), port=0, speed=60, enforce_iam=False, sandbox_id="mark"
    )
    return EmbeddedPlatform(settings, endpoint_url=sandbox.endpoint_url)


def test_a_client_acts_as_the_role_it_is_asked_for(platform: Platform) -> None:
    assert platform.client("sts").get_caller_identity()["Arn"].endswith(":root")
    assert ":assumed-role/pipeline/" in platform.client("sts", role_arn=ROLE).get_caller_identity()["Arn"]
    assert platform.client("sts", role_arn=ROLE) is platform.client("sts", role_arn=ROLE)


def test_a_job_gets_the_roles_credentials_the_address_and_the_mark(platform: Platform, sandbox: Sandbox) -> None:
    variables = platform.credentials(ROLE)
    assert variables["AWS_ENDPOINT_URL"] == sandbox.endpoint_url
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "us-east-1"
    assert variables["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert variables["AWS_SESSION_TOKEN"]
    assert variables[MARKER] == "mark"


def test_an_event_before_the_start_is_refused(platform: Platform) -> None:
    with pytest.raises(RuntimeError, match="has not started yet"):
        platform.emit("SageMaker Endpoint State Change", detail={}, resources=[])


def test_the_clock_runs_as_fast_as_it_was_told(platform: Platform) -> None:
    assert platform.clock.real_seconds(600) == 10
    assert platform.clock.now().utcoffset() == timedelta(0)


def test_time_passes_faster_on_a_fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    elapsed = 100.0
    monkeypatch.setattr("time.monotonic", lambda: elapsed)
    clock = SandboxClock(60)
    started = clock.now()
    elapsed += 2
    assert clock.now() - started == timedelta(minutes=2)


def test_every_image_has_one_directory_of_packages(platform: Platform) -> None:
    uri = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
    (directory,) = platform.image(uri, role_arn="arn:aws:iam::000000000000:role/any")
    assert Path(directory, "xgboost").is_dir()
