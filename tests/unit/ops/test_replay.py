"""What is left of a recorded definition in a replay, and what is left of a replay that was interrupted."""

import json
import re
from typing import Any

import pytest

from ops.errors import OpsError
from ops.reproduce import definition, replay
from ops.reproduce.replay import Replay
from pipelines import compiled
from stacks.constructs.placement import Placement
from tests.unit.ops.support.workshop import IMAGE, PIPELINE, ROLE, Workshop

BUNDLE = "0" * 64 + ".zip"
CODE = f"s3://code-bucket/{BUNDLE}"
COPY = f"s3://artifacts/runs/reproduce-1/code/{BUNDLE}"
NEW_ROLE = "arn:aws:iam::123456789012:role/present"


def recorded(project: str = "flights") -> str:
    """The committed definition of a project, as it would be deployed."""
    values = dict.fromkeys(compiled.PLACEHOLDERS["training"], "value") | {
        "__CODE_BUCKET__": "code-bucket",
        "__CODE_KEY__": BUNDLE,
    }
    return json.dumps(compiled.load(project).render(values))


def replayed(text: str, *, present: str | None = None) -> dict[str, Any]:
    result = definition.for_replay(
        text, code_uri=CODE, replayed_code_uri=COPY, role_arn=NEW_ROLE, present=present or recorded()
    )
    document: dict[str, Any] = json.loads(result)
    return document


def flat(steps: list[Any]) -> list[str]:
    names: list[str] = []
    for step in steps:
        names.append(step["Name"])
        for branch in ("IfSteps", "ElseSteps") if step["Type"] == "Condition" else ():
            names += flat(step["Arguments"][branch])
    return names


@pytest.mark.parametrize("project", compiled.projects())
def test_a_replay_trains_and_judges_and_registers_nothing(project: str) -> None:
    names = flat(replayed(recorded(project))["Steps"])

    assert {"Validate", "Accept", "RejectData", "Prepare", "Train", "Evaluate"} == set(names)


def test_a_replay_reads_the_copied_bundle_under_the_present_role() -> None:
    text = json.dumps(replayed(recorded()))

    assert definition.code_uri(recorded(), bundle=BUNDLE) == CODE
    assert CODE not in text
    assert COPY in text
    assert set(re.findall(r'"RoleArn": "([^"]+)"', text)) == {NEW_ROLE}
    assert f"/opt/ml/processing/input/code/{BUNDLE}" in text, "the path inside the job stays"


NETWORK = {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
FORMER_NETWORK = {"Subnets": ["subnet-8", "subnet-9"], "SecurityGroupIds": ["sg-9"]}


def placed(network: dict[str, list[str]] | None) -> str:
    """The definition of an environment whose jobs run in a network of its own."""
    document = json.loads(recorded())
    if network is not None:
        Placement(network["Subnets"], network["SecurityGroupIds"][0]).put_jobs(document)
    return json.dumps(document)


@pytest.mark.parametrize("then", [None, FORMER_NETWORK, NETWORK])
@pytest.mark.parametrize("now", [None, NETWORK])
def test_a_replay_runs_in_the_present_network(then: dict[str, list[str]] | None, now: dict[str, list[str]]) -> None:
    moved = replayed(placed(then), present=placed(now))
    there = replayed(placed(now), present=placed(now))

    assert json.dumps(moved).count('"VpcConfig"') == (4 if now else 0)
    assert json.dumps(moved).replace('"NetworkConfig": {}', "").count("sg-9") == 0
    assert [job["Arguments"].get("VpcConfig") for job in moved["Steps"]] == [
        job["Arguments"].get("VpcConfig") for job in there["Steps"]
    ]
    assert moved["Steps"][2]["Arguments"]["EnableNetworkIsolation"] is True


def encrypted(text: str, key: str | None) -> str:
    """The same definition with another key for the volumes of its jobs, or from before they had one."""
    document = json.loads(text)
    for each in machines(document):
        each.pop("VolumeKmsKeyId", None)
        if key is not None:
            each["VolumeKmsKeyId"] = key
    return json.dumps(document)


def machines(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return ([value] if "InstanceType" in value else []) + [one for each in value.values() for one in machines(each)]
    return [one for each in value for one in machines(each)] if isinstance(value, list) else []


@pytest.mark.parametrize("then", [None, "former", "present"])
@pytest.mark.parametrize(("now", "used"), [("present", "present"), (None, "as it was")])
def test_the_volumes_of_a_replay_have_the_present_key(then: str | None, now: str | None, used: str) -> None:
    moved = replayed(encrypted(recorded(), then), present=encrypted(recorded(), now))

    expected = then if used == "as it was" else used
    assert [each.get("VolumeKmsKeyId") for each in machines(moved)] == [expected] * 4


def test_a_deployed_definition_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(OpsError, match="deployed pipeline definition"):
        replayed(recorded(), present="?")


def test_a_step_cache_does_not_hand_out_the_recorded_result() -> None:
    document = json.loads(recorded())
    document["Steps"][0]["CacheConfig"] = {"Enabled": True, "ExpireAfter": "P30D"}

    assert "CacheConfig" not in json.dumps(replayed(json.dumps(document)))


def test_what_waits_for_the_registration_is_left_out_with_it() -> None:
    document = json.loads(recorded())
    document["Steps"].append({"Name": "Tell", "Type": "Lambda", "DependsOn": ["Gate"], "Arguments": {}})
    document["Steps"].append({"Name": "Then", "Type": "Fail", "Arguments": {"M": {"Get": "Steps.Tell.Output"}}})

    assert {"Tell", "Then", "Gate", "Register"}.isdisjoint(flat(replayed(json.dumps(document))["Steps"]))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"Steps": []}'])
def test_a_definition_that_cannot_be_replayed_is_an_error(text: str) -> None:
    with pytest.raises(OpsError, match="recorded pipeline definition"):
        replayed(text)


def test_a_bundle_that_no_step_reads_is_an_error() -> None:
    with pytest.raises(OpsError, match=r"other\.zip"):
        definition.code_uri(recorded(), bundle="other.zip")


def test_an_interrupted_replay_stops_its_jobs_and_leaves_no_pipeline(workshop: Workshop) -> None:
    sleep = {
        "RoleArn": ROLE,
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
        },
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", "-c", "import time; time.sleep(600)"],
        },
    }
    steps = [{"Name": "Sleep", "Type": "Processing", "Arguments": sleep}]
    parameters = [{"Name": "RunId", "Type": "String"}]
    planned = Replay(
        pipeline=f"{PIPELINE}-reproduce-interrupt",
        definition=json.dumps({"Version": "2020-12-01", "Parameters": parameters, "Steps": steps}),
        role_arn=ROLE,
        parameters={"RunId": "reproduce-20260301T100000Z-interrupt"},
    )

    def interrupt(text: str) -> None:
        assert text == "step Sleep: executing"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay.run(planned, workshop.stage.target, told=interrupt)

    assert workshop.pipelines() == [PIPELINE]
    jobs = workshop.client("sagemaker").list_processing_jobs(NameContains="Sleep")["ProcessingJobSummaries"]
    assert [job["ProcessingJobStatus"] for job in jobs] == ["Stopped"]
