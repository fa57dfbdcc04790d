"""The committed definitions against botocore's service model: what SageMaker would accept."""

import re
from typing import Any

import pytest
import sagemaker_requests as requests
from sagemaker_requests import steps

from pipelines import compiled

ALL_JOBS = {"training": ("Validate", "Prepare", "Train", "Evaluate"), "monitoring": ("Monitor",)}
SAMPLES = requests.every_sample("training")
PARAMETERS = {
    "RunId": "20130301T101500Z-0a1b2c3d",
    "Reason": "new data in period 2013-02",
    "SnapshotUri": "s3://artifacts-bucket/snapshots/" + "f" * 64 + ".json",
    "SnapshotId": "f" * 64,
    "ChampionPackageArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/flights-production/1",
}


@pytest.fixture(scope="module", params=compiled.projects())
def definition(request: pytest.FixtureRequest) -> dict[str, Any]:
    return compiled.load(request.param).render(SAMPLES)


def test_every_request_has_the_shape_that_sagemaker_takes(definition: dict[str, Any]) -> None:
    found = requests.faults(definition, parameters=PARAMETERS)
    assert found == {"Validate": [], "Prepare": [], "Train": [], "Evaluate": [], "Register": []}


def test_package_metadata_keeps_to_the_characters_that_sagemaker_takes(definition: dict[str, Any]) -> None:
    (register,) = [step for step in steps(definition) if step["Type"] == "RegisterModel"]
    metadata = requests.resolve(register["Arguments"]["CustomerMetadataProperties"], definition, PARAMETERS)
    assert len(metadata) <= 50
    for key, value in metadata.items():
        assert re.fullmatch(r"[\w .:/=+\-@]{1,128}", key), key
        assert re.fullmatch(r"[\w .:/=+\-@]{1,256}", value), (key, value)


def test_steps_have_the_names_and_the_order_that_others_rely_on(definition: dict[str, Any]) -> None:
    assert [(step["Name"], step["Type"]) for step in steps(definition)] == [
        ("Validate", "Processing"),
        ("Accept", "Condition"),
        ("Prepare", "Processing"),
        ("RejectData", "Fail"),
        ("Train", "Training"),
        ("Evaluate", "Processing"),
        ("Gate", "Condition"),
        ("Register", "RegisterModel"),
    ]


def test_only_accepted_data_goes_on_and_the_rest_ends_with_the_sentence_of_the_validation(
    definition: dict[str, Any],
) -> None:
    accept = next(step for step in steps(definition) if step["Name"] == "Accept")["Arguments"]
    (condition,) = accept["Conditions"]
    assert condition["LeftValue"]["Std:JsonGet"]["Path"] == "accepted"
    assert condition["RightValue"] is True
    assert [step["Name"] for step in accept["IfSteps"]] == ["Prepare"]
    (reject,) = accept["ElseSteps"]
    (sentence,) = reject["Arguments"]["ErrorMessage"]["Std:Join"]["Values"]
    assert sentence["Std:JsonGet"]["Path"] == "summary"


def test_no_condition_stands_inside_another_which_sagemaker_refuses(definition: dict[str, Any]) -> None:
    for step in definition["Steps"]:
        inner = [*step["Arguments"].get("IfSteps", ()), *step["Arguments"].get("ElseSteps", ())]
        assert "Condition" not in [each["Type"] for each in inner]


def test_a_model_is_registered_only_when_the_gate_promotes(definition: dict[str, Any]) -> None:
    gate = definition["Steps"][-1]["Arguments"]
    (condition,) = gate["Conditions"]
    assert condition["LeftValue"]["Std:JsonGet"]["Path"] == "gate.promote"
    assert condition["RightValue"] is True
    assert gate["ElseSteps"] == []


def test_a_run_can_be_started_with_what_the_lambda_sends(definition: dict[str, Any]) -> None:
    required = {entry["Name"] for entry in definition["Parameters"] if "DefaultValue" not in entry}
    names = {entry["Name"] for entry in definition["Parameters"]}
    assert required == {"RunId", "Reason", "SnapshotUri", "SnapshotId"}
    assert {
        "ChampionPackageArn",
        "ApprovalStatus",
        "CodeVersion",
        "ContractVersion",
        "ProcessingInstanceType",
        "TrainingInstanceType",
    } < names


def test_nothing_of_one_region_or_account_is_written_down(definition: dict[str, Any]) -> None:
    text = compiled.load(definition["Steps"][0]["Arguments"]["AppSpecification"]["ContainerArguments"][1]).text
    assert "us-east-1" not in text
    assert re.findall(r"\d{12}", text.replace("000000000000", "")) == []


def test_every_output_is_encrypted_with_the_projects_key(definition: dict[str, Any]) -> None:
    keys = {
        step["Name"]: (step["Arguments"].get("ProcessingOutputConfig") or step["Arguments"]["OutputDataConfig"])[
            "KmsKeyId"
        ]
        for step in steps(definition)
        if step["Type"] in {"Processing", "Training"}
    }
    assert keys == dict.fromkeys(("Validate", "Prepare", "Train", "Evaluate"), SAMPLES["__KMS_KEY__"])


@pytest.mark.parametrize("kind", compiled.KINDS)
@pytest.mark.parametrize("project", compiled.projects())
def test_every_volume_is_encrypted_with_the_projects_key(project: str, kind: compiled.Kind) -> None:
    definition = compiled.load(project, kind).render(requests.every_sample(kind))

    found = {
        step["Name"]: tuple(machines.get("VolumeKmsKeyId") for machines in requests.machines(step["Arguments"]))
        for step in steps(definition)
        if step["Type"] in requests.ON_MACHINES
    }
    assert found == dict.fromkeys(ALL_JOBS[kind], (SAMPLES["__KMS_KEY__"],))


def test_a_fault_of_the_service_is_tried_again_and_a_fault_of_the_step_is_not(definition: dict[str, Any]) -> None:
    retried = {
        step["Name"]: {kind for policy in step["RetryPolicies"] for kind in policy["ExceptionType"]}
        for step in steps(definition)
        if "RetryPolicies" in step
    }

    service = {"Step.SERVICE_FAULT", "Step.THROTTLING"}
    job = service | {"SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT"}
    assert retried == dict.fromkeys(("Validate", "Prepare", "Train", "Evaluate"), job) | {"Register": service}
