"""What a deployment consists of: a model and an endpoint configuration, named by their content.

The names start with ``<project>-<environment>-v<version>`` and end in a short hash of everything that could differ, so
that repeating a deployment finds what it made before, other settings make a new configuration, and a package group
that was deleted and filled again (versions start at 1) never meets an old model.

AWS pages: "Deploy a Model from the Registry with Python" (a version is deployed as
``Containers=[{"ModelPackageName": <ARN>}]``); "ContainerDefinition" (``Environment``); "Run Training and Inference
Containers in Internet-Free Mode" (``EnableNetworkIsolation``: SageMaker fetches the model from outside of the
container); "CreateEndpointConfig"; "Capture data from real-time endpoint". Since 2023 a model may set variables beside
those of its package (pull requests 3301 and 3581 of aws/sagemaker-python-sdk). No page says whether SageMaker merges
the two or lets the model's replace the package's, so the package's are repeated: both come to the same.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from lambdas.deploy_model.environment import DeployModelEnvironment
from lambdas.shared.clock import iso

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import ProductionVariantInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import (
        CreateEndpointConfigInputTypeDef,
        CreateModelInputTypeDef,
        DataCaptureConfigTypeDef,
        DescribeModelPackageOutputTypeDef,
        ProductionVariantTypeDef,
    )

VERSION_VARIABLE = "TANDEM_MODEL_VERSION"
"""Variable of the container that names the version; the serving script puts it into every answer."""

_OFFLINE: Final = {"PIP_NO_BUILD_ISOLATION": "false"}
"""Variables of a container without a network: pip's spelling of "build with what the image has".

The image's serving toolkit runs `pip install .` on the code before it serves, and pip may fetch its build tools.
"""


@dataclass(frozen=True)
class Target:
    """The two requests that make a version deployable."""

    model: "CreateModelInputTypeDef"
    config: "CreateEndpointConfigInputTypeDef"

    @property
    def config_name(self) -> str:
        """Name of the endpoint configuration."""
        return self.config["EndpointConfigName"]


def target_of(package: "DescribeModelPackageOutputTypeDef", environment: DeployModelEnvironment) -> Target:
    """Work out model and endpoint configuration of a package under the settings of this stage (pure)."""
    arn = package["ModelPackageArn"]
    base = f"{environment.stage}-v{package['ModelPackageVersion']}"
    model: CreateModelInputTypeDef = {
        "ModelName": "",
        "Containers": [{"ModelPackageName": arn, "Environment": _variables(package, environment)}],
        "ExecutionRoleArn": environment.execution_role_arn,
        "EnableNetworkIsolation": environment.network_isolation,
    }
    if environment.subnets:
        model["VpcConfig"] = {"Subnets": environment.subnets, "SecurityGroupIds": environment.security_groups}
    model["ModelName"] = _name(base, content={**model, "created": iso(package["CreationTime"])})
    variant: ProductionVariantTypeDef = {
        "VariantName": environment.variant_name,
        "ModelName": model["ModelName"],
        "InstanceType": cast("ProductionVariantInstanceTypeType", environment.instance_type),
        "InitialInstanceCount": environment.instance_count,
        "InitialVariantWeight": 1.0,
    }
    capture: DataCaptureConfigTypeDef = {
        "EnableCapture": True,
        "InitialSamplingPercentage": environment.capture_percent,
        "DestinationS3Uri": environment.capture_uri,
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        # Without it SageMaker stores JSON bodies base64-encoded.
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    config: CreateEndpointConfigInputTypeDef = {
        "EndpointConfigName": "",
        "ProductionVariants": [variant],
        "DataCaptureConfig": capture,
    }
    if environment.kms_key_arn:
        capture["KmsKeyId"] = config["KmsKeyId"] = environment.kms_key_arn
    config["EndpointConfigName"] = _name(base, content=config)
    return Target(model=model, config=config)


def _variables(package: "DescribeModelPackageOutputTypeDef", environment: DeployModelEnvironment) -> dict[str, str]:
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    registered = containers[0].get("Environment", {}) if containers else {}
    offline = _OFFLINE if environment.network_isolation else {}
    return {**offline, **registered, VERSION_VARIABLE: str(package["ModelPackageVersion"])}


def _name(base: str, *, content: Any) -> str:
    return f"{base}-{hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]}"
