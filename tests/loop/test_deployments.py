"""Deployments under the traffic of the deployed application: by the handlers, SageMaker's guardrails and the alarms.

`TANDEM_TEST_DEPLOYMENTS` says how many good ones follow each other (3 without it).
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import recorded_calls
from called_api import api_of
from deployed_loop import PROJECT, Loop
from live_traffic import LiveTraffic, failures, versions
from lost_events import ENDPOINT_CHANGED, events_are_lost
from registered_models import Manner, packages, register

from lambdas.shared import compatibility, ledger
from lambdas.shared.records import ApplicationContract, Deployment, DeploymentStatus
from sandbox.demo.cloud import Cloud
from sandbox.server import Sandbox

ENVIRONMENT = "staging"
_FOLDER = Path(__file__).parents[2] / "pipelines" / "projects" / PROJECT
EXAMPLE = json.loads((_FOLDER / "example.json").read_text("utf-8"))
CONTRACT = json.loads((_FOLDER / "contract.json").read_text("utf-8"))
COMMIT = "0" * 40
RATE, AT_LEAST = 60.0, 50.0
GOOD = int(os.environ.get("TANDEM_TEST_DEPLOYMENTS", "3"))
SPEED = 60.0
"""A minute of the alarms is a second, as often as the sandbox writes the metrics of endpoints."""


@dataclass(frozen=True)
class Stage:
    """A deployed stage with a live model and traffic.

    Attributes:
        loop: the deployment.
        cloud: the same as the sandbox's clients see it.
        traffic: requests to its application.
        began: its first two deployments; see `begin`.
    """

    loop: Loop
    cloud: Cloud
    traffic: LiveTraffic
    began: Sequence[Deployment] = ()

    def register(self, manner: Manner = "well") -> int:
        """Register an approved version that speaks the project's contract; returns its number."""
        return register(self.cloud, manner, contract=CONTRACT)

    def deploy(self, manner: Manner = "well") -> Deployment:
        """Register an approved version; returns what became of its deployment."""
        return self.outcome(self.register(manner))

    def outcome(self, version: int) -> Deployment:
        """Wait until the newest deployment is one of the version, and settled."""

        def settled() -> Deployment | None:
            newest = self.loop.ledger.newest_deployment()
            return newest if newest and newest.version == version and not newest.is_open else None

        return self.loop.wait_for(f"the outcome of version {version}", settled)

    def stages(self) -> dict[int, str]:
        """The status of the life-cycle stage of every version that has one."""
        return {
            package["ModelPackageVersion"]: package["ModelLifeCycle"]["StageStatus"]
            for package in packages(self.cloud)
            if "ModelLifeCycle" in package
        }

    def wait_until_only(self, version: int) -> None:
        """Endpoint, ledger and registry come to name one version, and only that one answers."""
        live = self.loop.ledger.live()
        assert live is not None
        assert (live.version, live.endpoint_config) == (version, self.loop.serving_config())

        def agreed() -> dict[int, str] | None:
            stages = self.stages()
            return stages if [each for each, status in stages.items() if status == "Live"] == [version] else None

        self.loop.wait_for(f"version {version} alone to be live in the registry", agreed)
        now = time.monotonic()
        self.loop.wait_for("answers", lambda: len(self.traffic.since(now)) >= AT_LEAST or None)
        assert set(versions(self.traffic.since(now))) == {version}

    def ops(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `python -m ops` as a person does."""
        where = ["--sandbox", "--state", str(self.loop.sandbox.directory.path), "--project", PROJECT]
        command = [sys.executable, "-m", "ops", *arguments, *where, "--environment", ENVIRONMENT]
        return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Sandbox(tmp_path_factory.mktemp("staging"), speed=SPEED, enforce_iam=True) as sandbox:
        deployment = sandbox.deploy(PROJECT, environment=ENVIRONMENT)
        outputs = {key: value for stack in deployment.outputs.values() for key, value in stack.items()}
        cloud = Cloud(sandbox.endpoint_url, PROJECT, ENVIRONMENT, sandbox.directory.logs)
        loop = Loop(sandbox=sandbox, outputs=outputs, drops={})
        traffic = LiveTraffic(f"{api_of(loop).url}/predictions", EXAMPLE, RATE)
        loop.ledger.commit(ledger.put_application(application(sandbox)))
        began = begin(Stage(loop, cloud, traffic))
        with traffic:
            # The application's first function takes a second to start.
            loop.wait_for("answers", lambda: len(traffic.since(0)) >= AT_LEAST or None)
            yield Stage(loop, cloud, traffic, began)
        recorded_calls.check_all(sandbox, stage=cloud.stage)


def application(sandbox: Sandbox) -> ApplicationContract:
    """What the application's pipeline records when it has delivered."""
    spoken = compatibility.canonical(CONTRACT)
    return ApplicationContract(contract=spoken, commit=COMMIT, deployed_at=sandbox.now(), by="test")


def begin(stage: Stage) -> list[Deployment]:
    """A first version that cannot be loaded, whose end nobody hears of, and the one that takes its place."""
    loop, endpoint = stage.loop, stage.cloud.endpoint

    def failed() -> bool | None:
        found = loop.client("sagemaker").list_endpoints(NameContains=endpoint)["Endpoints"]
        return True if [each["EndpointStatus"] for each in found] == ["Failed"] else None

    with events_are_lost(loop, ENDPOINT_CHANGED, about=endpoint):
        never = stage.register("never")
        loop.wait_for("the endpoint that cannot be created", failed)
        well = stage.register()
        first = loop.wait_for("somebody to find it failed", lambda: _settled(loop.ledger.deployments_of(never)))
    return [first, stage.outcome(well)]


def _settled(deployments: Sequence[Deployment]) -> Deployment | None:
    return next((each for each in deployments if not each.is_open), None)


def live_version(stage: Stage) -> int:
    live = stage.loop.ledger.live()
    assert live is not None
    return live.version


def test_a_first_version_that_cannot_be_loaded_gives_way_to_the_next_though_its_end_was_lost(stage: Stage) -> None:
    first, second = stage.began

    assert (first.status, second.status) == (DeploymentStatus.FAILED, DeploymentStatus.LIVE)
    assert (first.detail or "").startswith("the endpoint is Failed: ")
    assert stage.stages()[first.version] == "Failed"
    assert second.rollout is None, "there was no endpoint any more"


def test_good_versions_follow_each_other_and_no_request_is_lost(stage: Stage) -> None:
    began, first = time.monotonic(), live_version(stage)
    served = [first]
    for _ in range(GOOD):
        deployment = stage.deploy()
        assert deployment.status is DeploymentStatus.LIVE, deployment.detail
        assert (deployment.rollout or "").startswith("canary of 50 %")
        served.append(deployment.version)
    seconds = time.monotonic() - began
    stage.wait_until_only(served[-1])

    replies = stage.traffic.since(began)
    print(f"{GOOD} deployments in {seconds:.0f} s, {len(replies)} requests: {dict(versions(replies))}")  # noqa: T201
    assert failures(replies) == []
    if "TANDEM_TEST_DEPLOYMENTS" in os.environ:
        # On a busy machine the traffic is thinner, and that says nothing about deployments.
        assert len(replies) >= AT_LEAST * seconds
    assert set(versions(replies)) == set(served)


# What fails is seen by the endpoint and by the application; either may be the first to tell.
@pytest.mark.parametrize(("manner", "alarms"), [("fails", {"errors", "application"}), ("slow", {"latency"})])
def test_a_bad_version_is_rolled_back_by_its_alarm(stage: Stage, manner: Manner, alarms: set[str]) -> None:
    good, began = live_version(stage), time.monotonic()
    before = stage.stages()
    deployment = stage.deploy(manner)

    assert deployment.status is DeploymentStatus.ROLLED_BACK
    assert set(re.findall(r"-rollback-(\w+)", deployment.detail or "")) & alarms, deployment.detail
    stage.wait_until_only(good)
    after = stage.stages()
    assert after.pop(deployment.version) == "RolledBack"
    assert after == before
    errors = failures(stage.traffic.since(began))
    assert bool(errors) == (manner == "fails")
    assert all(error.startswith("502 ") for error in errors)
    wait_until_quiet(stage)


def wait_until_quiet(stage: Stage) -> None:
    """The alarms look at the last minutes, in which the bad version still had traffic."""
    prefix = f"{stage.cloud.stage}-rollback-"

    def quiet() -> bool | None:
        on: list[Any] = stage.cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix, StateValue="ALARM")[
            "MetricAlarms"
        ]
        return None if on else True

    stage.loop.wait_for("the rollback alarms to go off", quiet)


def test_a_version_that_cannot_be_loaded_never_gets_traffic(stage: Stage) -> None:
    good, began = live_version(stage), time.monotonic()
    deployment = stage.deploy("never")
    assert deployment.status is DeploymentStatus.ROLLED_BACK
    stage.wait_until_only(good)
    assert set(versions(stage.traffic.since(began))) == {good}


def test_a_rejected_live_version_gives_way_to_the_one_before_without_a_lost_request(stage: Stage) -> None:
    before = live_version(stage)
    newest = stage.deploy()
    began = time.monotonic()
    stage.cloud.client("sagemaker").update_model_package(
        ModelPackageArn=newest.package_arn, ModelApprovalStatus="Rejected"
    )
    assert stage.outcome(before).status is DeploymentStatus.LIVE
    stage.wait_until_only(before)
    assert failures(stage.traffic.since(began)) == []


def test_a_person_rolls_back_under_traffic_with_one_command(stage: Stage) -> None:
    before = live_version(stage)
    assert stage.deploy().status is DeploymentStatus.LIVE
    began = time.monotonic()
    done = stage.ops("rollback", "--reason", "it looks odd", "--yes", "--json")
    seconds = time.monotonic() - began

    assert done.returncode == 0, done.stderr
    assert live_version(stage) == before
    print(f"ops rollback took {seconds:.1f} s")  # noqa: T201
    stage.wait_until_only(before)
    assert failures(stage.traffic.since(began)) == []


def test_a_change_by_hand_is_a_mismatch_until_it_is_undone(stage: Stage) -> None:
    sagemaker, live = stage.cloud.client("sagemaker"), stage.loop.ledger.live()
    assert live is not None
    config = sagemaker.describe_endpoint_config(EndpointConfigName=live.endpoint_config)
    sagemaker.create_endpoint_config(EndpointConfigName="by-hand", ProductionVariants=config["ProductionVariants"])
    put_by_hand(stage, "by-hand")
    asked = stage.ops("status", "--json")
    assert asked.returncode == 3
    assert '"verdict": "mismatch"' in asked.stdout

    put_by_hand(stage, live.endpoint_config)
    assert stage.ops("status").returncode == 0
    stage.wait_until_only(live.version)


def put_by_hand(stage: Stage, config: str) -> None:
    sagemaker, name = stage.cloud.client("sagemaker"), stage.cloud.endpoint
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)

    def serves() -> bool | None:
        found = sagemaker.describe_endpoint(EndpointName=name)
        return True if (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", config) else None

    stage.loop.wait_for(f"{config} to serve", serves)


def test_a_version_that_does_not_speak_the_applications_contract_is_refused_and_told(stage: Stage) -> None:
    live = live_version(stage)
    asks_for_more = CONTRACT | {"inputs": [*CONTRACT["inputs"], {"name": "runway", "type": "integer"}]}
    version = register(stage.cloud, contract=asks_for_more)

    def refused() -> str | None:
        decisions = [one for one in stage.loop.items("DECISION") if one["outcome"] == "incompatible"]
        return decisions[-1]["reason"] if decisions else None

    reason = stage.loop.wait_for("the refusal", refused)
    assert reason.startswith(f"version {version} and the application of commit {COMMIT} do not speak the same")
    assert "input 'runway'" in reason
    stage.wait_until_only(live)
