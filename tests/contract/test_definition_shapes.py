"""The committed definitions against botocore's service model: what SageMaker would accept."""

import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

from pipelines import compiled

OPERATIONS = {
    "Processing": ("CreateProcessingJob", {"ProcessingJobName": "job"}),
    "Training": ("CreateTrainingJob", {"TrainingJobName": "job"}),
    "RegisterModel": ("CreateModelPackage", {}),
}
SAMPLES = {
    "__ARTIFACTS_BUCKET__": "artifacts-bucket",
    "__CODE_BUCKET__": "code-bucket",
    "__CODE_KEY__": "0" * 64 + ".zip",
    "__IMAGE_URI__": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
    "__KMS_KEY__": "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d",
    "__MODEL_PACKAGE_GROUP__": "flights-production",
    "arn:aws:iam::000000000000:role/__PIPELINE_ROLE__": "arn:aws:iam::123456789012:role/pipeline",
}
PARAMETERS = {
    "RunId": "20130301T101500Z-0a1b2c3d",
    "Reason": "new data in period 2013-02",
    "SnapshotUri": "s3://artifacts-bucket/snapshots/" + "f" * 64 + ".json",
    "SnapshotId": "f" * 64,
    "ChampionPackageArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/flights-production/1",
}


def steps(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for step in definition["Steps"]:
        yield step
        if step["Type"] == "Condition":
            yield from step["Arguments"]["IfSteps"] + step["Arguments"]["ElseSteps"]


@pytest.fixture(scope="module", params=compiled.projects())
def definition(request: pytest.FixtureRequest) -> dict[str, Any]:
    return compiled.load(request.param).render(SAMPLES)


@pytest.fixture(scope="module")
def service() -> Any:
    return botocore.session.get_session().get_service_model("sagemaker")


def resolve(value: Any, definition: dict[str, Any]) -> Any:
    """Fill in what SageMaker fills in when it runs a step."""
    match value:
        case {"Get": str(path)} if path.startswith("Parameters."):
            name = path.removeprefix("Parameters.")
            (parameter,) = [entry for entry in definition["Parameters"] if entry["Name"] == name]
            return PARAMETERS.get(name, parameter.get("DefaultValue"))
        case {"Get": str(path)}:
            assert re.fullmatch(r"Steps\.(Validate|Prepare|Train)\..*(S3Uri|S3ModelArtifacts)", path), path
            return "s3://artifacts-bucket/runs/1/output"
        case {"Std:Join": {"On": on, "Values": values}}:
            return on.join(resolve(item, definition) for item in values)
        case dict() if "Std:JsonGet" not in value:
            return {key: resolve(item, definition) for key, item in value.items()}
        case list():
            return [resolve(item, definition) for item in value]
    return "{}" if isinstance(value, dict) else value  # what a property file holds: the model card


def breaches(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """Yield what botocore's own validation leaves out: longest texts, most entries, patterns and enumerations."""
    if isinstance(value, str | list | dict) and len(value) > shape.metadata.get("max", len(value)):
        yield f"{path} is longer than {shape.metadata['max']}"
    match shape:
        case StructureShape():
            for name, item in value.items():
                yield from breaches(item, shape.members[name], f"{path}.{name}")
        case ListShape():
            for index, item in enumerate(value):
                yield from breaches(item, shape.member, f"{path}[{index}]")
        case MapShape():
            for key, item in value.items():
                yield from breaches(key, shape.key, f"{path} key {key}")
                yield from breaches(item, shape.value, f"{path}.{key}")
        case StringShape():
            yield from text_breaches(value, shape, path)


def text_breaches(value: str, shape: StringShape, path: str) -> Iterator[str]:
    pattern = shape.metadata.get("pattern", ".*")
    if "\\p{" not in pattern and re.fullmatch(pattern, value, re.DOTALL) is None:  # Python has no Unicode classes
        yield f"{path} is {value!r}, pattern {pattern}"
    if shape.enum and value not in shape.enum:
        yield f"{path} is {value!r}, none of {shape.enum}"


def test_every_request_has_the_shape_that_sagemaker_takes(definition: dict[str, Any], service: Any) -> None:
    checked = 0
    for step in steps(definition):
        if step["Type"] in ("Condition", "Fail"):
            continue
        operation, extra = OPERATIONS[step["Type"]]
        request = {**extra, **resolve(step["Arguments"], definition)}
        shape = service.operation_model(operation).input_shape
        assert ParamValidator().validate(request, shape).generate_report() == ""
        assert list(breaches(request, shape, step["Name"])) == []
        checked += 1
    assert checked == 5


def test_package_metadata_keeps_to_the_characters_that_sagemaker_takes(definition: dict[str, Any]) -> None:
    (register,) = [step for step in steps(definition) if step["Type"] == "RegisterModel"]
    metadata = resolve(register["Arguments"]["CustomerMetadataProperties"], definition)
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


def test_a_fault_of_the_service_is_tried_again_and_a_fault_of_the_step_is_not(definition: dict[str, Any]) -> None:
    retried = {
        step["Name"]: {kind for policy in step["RetryPolicies"] for kind in policy["ExceptionType"]}
        for step in steps(definition)
        if "RetryPolicies" in step
    }

    service = {"Step.SERVICE_FAULT", "Step.THROTTLING"}
    job = service | {"SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT"}
    assert retried == dict.fromkeys(("Validate", "Prepare", "Train", "Evaluate"), job) | {"Register": service}
