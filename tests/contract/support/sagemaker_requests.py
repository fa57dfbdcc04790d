"""What SageMaker would say to the requests of a compiled pipeline, told from botocore's service model."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

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
    "arn:aws:iam::000000000000:role/__PIPELINE_ROLE__": "arn:aws:iam::123456789012:role/pipeline",
}

OF_KIND = {
    "training": {"__MODEL_PACKAGE_GROUP__": "flights-production"},
    "monitoring": {
        "__DATA_BUCKET__": "data-bucket",
        "__ENDPOINT_NAME__": "flights-production",
        "__ENVIRONMENT__": "production",
    },
}
ON_MACHINES = frozenset({"Processing", "Training", "Tuning", "Transform", "AutoML"})
"""Types of steps that start machines (page "Pipelines steps"), those included that no definition has yet."""


def every_sample(kind: str) -> dict[str, str]:
    """What the placeholders of a kind of definition are replaced by."""
    return SAMPLES | OF_KIND[kind]


def machines(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every description of machines in a request, however deep: what names an instance type."""
    if isinstance(value, dict):
        if "InstanceType" in value:
            yield value
        for item in value.values():
            yield from machines(item)
    elif isinstance(value, list):
        for item in value:
            yield from machines(item)


def steps(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every step, those of a condition behind it."""
    for step in definition["Steps"]:
        yield step
        if step["Type"] == "Condition":
            yield from step["Arguments"]["IfSteps"] + step["Arguments"]["ElseSteps"]


def faults(definition: dict[str, Any], *, parameters: Mapping[str, str]) -> dict[str, list[str]]:
    """Return by step what SageMaker would refuse; a step without a fault has an empty list."""
    service = botocore.session.get_session().get_service_model("sagemaker")
    found = {}
    for step in steps(definition):
        if step["Type"] in OPERATIONS:
            operation, extra = OPERATIONS[step["Type"]]
            request = {**extra, **resolve(step["Arguments"], definition, parameters)}
            shape = service.operation_model(operation).input_shape
            report = ParamValidator().validate(request, shape).generate_report()
            found[step["Name"]] = [*([report] if report else []), *breaches(request, shape, step["Name"])]
    return found


def resolve(value: Any, definition: dict[str, Any], parameters: Mapping[str, str]) -> Any:
    """Fill in what SageMaker fills in when it runs a step."""
    match value:
        case {"Get": str(path)} if path.startswith("Parameters."):
            name = path.removeprefix("Parameters.")
            (parameter,) = [entry for entry in definition["Parameters"] if entry["Name"] == name]
            return parameters.get(name, parameter.get("DefaultValue"))
        case {"Get": str(path)}:
            assert re.fullmatch(r"Steps\.(Validate|Prepare|Train)\..*(S3Uri|S3ModelArtifacts)", path), path
            return "s3://artifacts-bucket/runs/1/output"
        case {"Std:Join": {"On": on, "Values": values}}:
            return on.join(resolve(item, definition, parameters) for item in values)
        case dict() if "Std:JsonGet" not in value:
            return {key: resolve(item, definition, parameters) for key, item in value.items()}
        case list():
            return [resolve(item, definition, parameters) for item in value]
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
