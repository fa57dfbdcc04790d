"""The parts that need no running service."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.sagemaker.archive import unpack
from sandbox.sagemaker.endpoints.guardrails import guardrails
from sandbox.sagemaker.instances import instance
from sandbox.sagemaker.isolation import localized
from sandbox.sagemaker.names import step_job_name
from sandbox.sagemaker.pipelines.paths import PathError, look_up, tokens


@pytest.mark.parametrize(
    ("routing", "shares"),
    [
        ({"Type": "ALL_AT_ONCE"}, [1.0]),
        ({"Type": "CANARY", "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10}}, [0.1, 1.0]),
        ({"Type": "CANARY", "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1}}, [0.25, 1.0]),
        ({"Type": "LINEAR", "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 40}}, [0.4, 0.8, 1.0]),
        ({"Type": "LINEAR", "LinearStepSize": {"Type": "INSTANCE_COUNT", "Value": 2}}, [0.5, 1.0]),
    ],
)
def test_the_traffic_moves_in_the_steps_of_the_policy(routing: Mapping[str, Any], shares: list[float]) -> None:
    policy = {
        "TrafficRoutingConfiguration": {**routing, "WaitIntervalInSeconds": 60},
        "TerminationWaitInSeconds": 30,
        "MaximumExecutionTimeoutInSeconds": 900,
    }
    rails = guardrails({"BlueGreenUpdatePolicy": policy}, instances=4)
    assert [shift.share for shift in rails.shifts] == shares
    assert {shift.bake for shift in rails.shifts} == {60.0}
    assert (rails.termination_wait, rails.maximum_time) == (30.0, 900)


def test_a_rolling_update_moves_batch_by_batch() -> None:
    policy = {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 5}
    shares = [shift.share for shift in guardrails({"RollingUpdatePolicy": policy}, instances=4).shifts]
    assert shares == [0.25, 0.5, 0.75, 1.0]


def test_without_a_deployment_config_all_traffic_moves_unwatched() -> None:
    rails = guardrails(None, instances=1)
    assert [(shift.share, shift.bake) for shift in rails.shifts] == [(1.0, 0.0)]
    assert rails.alarms == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/opt/ml", "/base"),
        ("/opt/ml/input", "/base/input"),
        ("--path=/opt/ml/x:/opt/ml/y", "--path=/base/x:/base/y"),
        ("/opt/mlflow", "/opt/mlflow"),
        ("s3://bucket/opt/ml/x", "s3://bucket/opt/ml/x"),
        ("/elsewhere/opt/ml", "/elsewhere/opt/ml"),
    ],
)
def test_only_the_container_tree_is_moved(text: str, expected: str) -> None:
    assert localized(text, Path("/base")) == expected


@pytest.mark.parametrize(
    ("name", "vcpus", "gib"),
    [("ml.t2.medium", 1, 4), ("ml.m5.large", 2, 8), ("ml.c5.xlarge", 4, 8), ("ml.r5.4xlarge", 16, 128)],
)
def test_the_size_of_an_instance_is_in_its_name(name: str, vcpus: int, gib: int) -> None:
    size = instance(name)
    assert (size.vcpus, size.memory) == (vcpus, gib * 1024**3)


def test_job_names_fit_and_name_execution_and_step() -> None:
    name = step_job_name("p4jn9xou8a8s", "A step with a very long name that would never fit as it is")
    assert len(name) <= 63
    assert name.startswith("pipelines-p4jn9xou8a8s-A-step-with")


@pytest.mark.parametrize("path", ["a[", "a['b]", "['x'"])
def test_a_broken_path_is_named(path: str) -> None:
    with pytest.raises(PathError, match="is no path"):
        tokens(path)


def test_a_list_is_searched_by_the_names_of_its_items() -> None:
    outputs: list[dict[str, Any]] = [{"OutputName": "a", "Uri": 1}, {"OutputName": "b", "Uri": 2}]
    assert look_up({"Outputs": outputs}, tokens("Outputs['b'].Uri"), shown="x") == 2
    with pytest.raises(PathError, match="there is no 'c'"):
        look_up({"Outputs": outputs}, tokens("Outputs['c']"), shown="x")


def test_an_archive_cannot_leave_its_directory(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../outside"), io.BytesIO())
    source = tmp_path / "evil.tar.gz"
    source.write_bytes(buffer.getvalue())
    with pytest.raises(tarfile.OutsideDestinationError):
        unpack(source, tmp_path / "inside")
