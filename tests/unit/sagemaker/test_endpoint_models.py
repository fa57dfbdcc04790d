"""Models of endpoints: of packages, with an environment of their own; and names that are unknown or taken."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from model_archive import archive

from .endpoints import ANSWERING, config_of, invoke, model_of
from .world import BUCKET, IMAGE, ROLE, World, unique


def test_a_model_is_made_of_an_approved_package(world: World, deploy: Callable[[str], str]) -> None:
    group = unique("group")
    world.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    uri = world.put(f"models/{group}.tar.gz", archive({"name.txt": "packaged", "code/inference.py": ANSWERING}))
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    package = world.sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": uri, "Environment": environment}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]
    request = {"ModelName": unique("model"), "PrimaryContainer": {"ModelPackageName": package}}
    with pytest.raises(ClientError, match="ModelApprovalStatus is PendingManualApproval"):
        world.sagemaker.create_model(ExecutionRoleArn=ROLE, **request)
    world.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    world.sagemaker.create_model(ExecutionRoleArn=ROLE, **request)
    name = deploy(config_of(world, str(request["ModelName"])))
    assert invoke(world, name, 2)["Body"] == {"model": "packaged", "sum": 2}


def test_a_models_own_environment_reaches_its_server_beside_the_packages(
    world: World, deploy: Callable[[str], str]
) -> None:
    tells = "import os\n" + ANSWERING.replace(
        '"model": model', '"model": [os.environ["FROM_PACKAGE"], os.environ["FROM_BOTH"], os.environ["FROM_MODEL"]]'
    )
    group = unique("group")
    world.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    uri = world.put(f"models/{group}.tar.gz", archive({"name.txt": "x", "code/inference.py": tells}))
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    given = {**environment, "FROM_PACKAGE": "package", "FROM_BOTH": "package"}
    package = world.sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": uri, "Environment": given}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]
    model, own = unique("model"), {"FROM_BOTH": "model", "FROM_MODEL": "model"}
    world.sagemaker.create_model(
        ModelName=model,
        PrimaryContainer={"ModelPackageName": package, "Environment": own},
        ExecutionRoleArn=ROLE,
    )
    described = world.sagemaker.describe_model(ModelName=model)["PrimaryContainer"]
    assert described == {"ModelPackageName": package, "Environment": own}
    name = deploy(config_of(world, model))
    assert invoke(world, name, 1)["Body"]["model"] == ["package", "model", "model"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda sm: sm.describe_endpoint(EndpointName="none"), 'Could not find endpoint "arn:.*:endpoint/none"'),
        (lambda sm: sm.describe_endpoint_config(EndpointConfigName="none"), "Could not find endpoint configuration"),
        (lambda sm: sm.describe_model(ModelName="none"), "Could not find model"),
        (
            lambda sm: sm.create_endpoint(EndpointName="new", EndpointConfigName="none"),
            "Could not find endpoint configuration",
        ),
        (
            lambda sm: sm.create_model(
                ModelName="new",
                PrimaryContainer={"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/none.tar.gz"},
                ExecutionRoleArn=ROLE,
            ),
            "Could not access model data",
        ),
    ],
)
def test_what_does_not_exist_is_named_as_aws_names_it(
    world: World, call: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(ClientError, match=f"ValidationException.*{message}"):
        call(world.sagemaker)


def test_names_are_given_once(world: World, deploy: Callable[[str], str]) -> None:
    model = model_of(world)
    config = config_of(world, model)
    name = deploy(config)
    variant = {"VariantName": "v", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    with pytest.raises(ClientError, match="Cannot create already existing endpoint configuration"):
        world.sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])
    with pytest.raises(ClientError, match="Cannot create already existing endpoint"):
        world.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
