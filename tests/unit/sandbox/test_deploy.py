"""The real CDK command line deploys a cloud assembly into the embedded AWS."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sandbox.deploy import Deployment
from sandbox.errors import SandboxError
from sandbox.lambda_runtime import LayerVersion
from sandbox.server import Sandbox

LAYER = LayerVersion(account="017000801446", name="AWSLambdaPowertoolsPythonV3-python313-x86_64", version=2)
HANDLER = """
from aws_lambda_powertools import Logger
import pydantic
def handler(event, context):
    Logger(service="mini").info("invoked")
    return pydantic.__name__
"""
ACCOUNT = "000000000000"
REGION = "us-east-1"
ASSETS = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"


def _template(key: str, *, broken: bool) -> dict[str, Any]:
    end = f":lambda:{REGION}:{LAYER.account}:layer:{LAYER.name}:{LAYER.version}"
    return {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
            },
            "Function": {
                "Type": "AWS::No::SuchType" if broken else "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.13",
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"S3Bucket": ASSETS, "S3Key": key},
                    "Layers": [{"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, end]]}],
                },
            },
        },
        "Outputs": {"FunctionName": {"Value": {"Ref": "Function"}}},
    }


def _assembly(directory: Path, *, stack: str, broken: bool = False) -> Path:
    """A cloud assembly as the CDK writes it: one stack, whose function's code is an asset."""
    directory.mkdir()
    archive = directory / "asset.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(zipfile.ZipInfo("index.py"), HANDLER)
    key = f"{hashlib.sha256(archive.read_bytes()).hexdigest()}.zip"
    role = f"arn:${{AWS::Partition}}:iam::{ACCOUNT}:role/cdk-hnb659fds-file-publishing-role-{ACCOUNT}-{REGION}"
    destination = {"bucketName": ASSETS, "objectKey": key, "region": REGION, "assumeRoleArn": role}
    (directory / f"{stack}.template.json").write_text(json.dumps(_template(key, broken=broken)))
    (directory / f"{stack}.assets.json").write_text(
        json.dumps(
            {
                "version": "50.0.0",
                "files": {
                    key: {"source": {"path": "asset.zip", "packaging": "file"}, "destinations": {"here": destination}}
                },
                "dockerImages": {},
            }
        )
    )
    artifacts = {
        f"{stack}.assets": {"type": "cdk:asset-manifest", "properties": {"file": f"{stack}.assets.json"}},
        stack: {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://{ACCOUNT}/{REGION}",
            "properties": {"templateFile": f"{stack}.template.json", "stackName": stack},
            "dependencies": [f"{stack}.assets"],
        },
    }
    (directory / "manifest.json").write_text(json.dumps({"version": "50.0.0", "artifacts": artifacts}))
    return directory


@pytest.fixture(scope="module")
def deployment(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> tuple[Deployment, list[str]]:
    """A deployed assembly and what was said meanwhile."""
    said: list[str] = []
    assembly = _assembly(tmp_path_factory.mktemp("assembly") / "cdk.out", stack="mini")
    return sandbox.deploy(assembly=assembly, progress=said.append), said


def test_the_deployed_function_runs_its_published_code_with_its_public_layer(
    sandbox: Sandbox, deployment: tuple[Deployment, list[str]]
) -> None:
    name = deployment[0].output("FunctionName")
    answer = sandbox.client("lambda").invoke(FunctionName=name)
    assert json.loads(answer["Payload"].read()) == "pydantic"
    assert '"message":"invoked"' in (sandbox.directory.logs / "lambda" / f"{name}.log").read_text()


def test_a_deployment_tells_what_it_does_and_how_long_it_took(deployment: tuple[Deployment, list[str]]) -> None:
    deployed, said = deployment
    assert [line for line in said if line.startswith("cdk ")] == ["cdk bootstrap", "cdk deploy"]
    assert any(line.startswith("mini") for line in said)
    assert set(deployed.seconds) == {"bootstrap", "layers", "deploy", "total"}
    assert set(deployed.outputs) == {"mini"}


def test_an_output_that_no_stack_has_is_named(deployment: tuple[Deployment, list[str]]) -> None:
    with pytest.raises(SandboxError, match="The output 'BucketName' exists 0 times in mini"):
        deployment[0].output("BucketName")


def test_a_failed_deployment_shows_what_the_command_line_said(sandbox: Sandbox, tmp_path: Path) -> None:
    assembly = _assembly(tmp_path / "cdk.out", stack="broken", broken=True)
    with pytest.raises(SandboxError) as caught:
        sandbox.deploy(assembly=assembly)
    assert "`cdk deploy" in str(caught.value)
    assert "AWS::No::SuchType" in str(caught.value)
