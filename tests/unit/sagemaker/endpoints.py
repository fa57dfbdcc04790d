"""Models whose answers tell who gave them, and endpoints that serve them."""

import json
from typing import Any

from model_archive import archive

from .world import IMAGE, ROLE, World, unique

ANSWERING = """
import json

def model_fn(model_dir):
    with open(model_dir + "/name.txt") as file:
        return file.read()

def input_fn(body, content_type):
    assert isinstance(body, str), type(body)
    return json.loads(body)

def predict_fn(data, model):
    return {"model": model, "sum": sum(data["instances"])}

def output_fn(prediction, accept):
    return json.dumps(prediction), accept
"""


def model_of(world: World, script: str = ANSWERING, *, label: str = "first") -> str:
    name = unique("model")
    uri = world.put(f"models/{name}.tar.gz", archive({"name.txt": label, "code/inference.py": script}))
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    container = {"Image": IMAGE, "ModelDataUrl": uri, "Environment": environment}
    world.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    return name


def config_of(world: World, model: str, **changes: Any) -> str:
    name = unique("config")
    variant = {
        "VariantName": changes.pop("variant", "live"),
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
    }
    world.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **changes)
    return name


def invoke(world: World, name: str, *numbers: int, **changes: Any) -> dict[str, Any]:
    answer = world.runtime.invoke_endpoint(
        EndpointName=name,
        ContentType="application/json",
        Body=json.dumps({"instances": numbers}),
        **changes,
    )
    return {**answer, "Body": json.loads(answer["Body"].read())}


def update(world: World, name: str, config: str, **changes: Any) -> dict[str, Any]:
    world.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config, **changes)
    return world.endpoint_settled(name)
