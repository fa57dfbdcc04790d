"""Directories that hold exactly some packages, and the layers and images made of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.images import image_entries
from sandbox.lambda_runtime import LayerVersion, layer_directory, layers_of, runtime_directory
from sandbox.packages import closure, link_directory
from sandbox.sagemaker.platform import UnknownImageError

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
POWERTOOLS = LayerVersion(account="017000801446", name="AWSLambdaPowertoolsPythonV3-python313-x86_64", version=41)


def _importable(directory: Path, *names: str) -> dict[str, bool]:
    program = (
        "import importlib.util, json, sys; sys.path.append(sys.argv[1]);"
        "print(json.dumps({n: importlib.util.find_spec(n) is not None for n in sys.argv[2:]}))"
    )
    command = [sys.executable, "-S", "-c", program, str(directory), *names]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def test_the_lambda_runtime_holds_the_sdk_and_nothing_else(tmp_path: Path) -> None:
    directory = runtime_directory(tmp_path)
    modules = {path.name.removesuffix(".py") for path in directory.iterdir() if not path.name.endswith(".dist-info")}
    assert modules == {"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"}


def test_a_layer_holds_powertools_and_pydantic_without_the_runtimes_packages(tmp_path: Path) -> None:
    found = _importable(layer_directory(tmp_path, POWERTOOLS), "aws_lambda_powertools", "pydantic", "boto3", "numpy")
    assert found == {"aws_lambda_powertools": True, "pydantic": True, "boto3": False, "numpy": False}


def test_the_image_holds_what_the_xgboost_image_holds(tmp_path: Path) -> None:
    names = ("xgboost", "sklearn", "pandas", "numpy", "pyarrow", "scipy", "boto3", "pydantic", "polars", "sagemaker")
    found = _importable(image_entries(tmp_path, XGBOOST)[0], *names)
    assert [name for name, importable in found.items() if not importable] == ["pydantic", "polars", "sagemaker"]


@pytest.mark.parametrize("tag", ["3.2-0-cpu-py3", "3.2-0"])
def test_an_image_is_known_by_its_name_and_tag_in_any_registry(tag: str, tmp_path: Path) -> None:
    (entry,) = image_entries(tmp_path, f"1.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:{tag}")
    assert entry.is_dir()


@pytest.mark.parametrize("uri", ["1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", "latest", ""])
def test_an_unknown_image_is_named_with_those_that_are_known(uri: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownImageError, match=r"cannot run the image .* It knows sagemaker-xgboost:3\.2-0"):
        image_entries(tmp_path, uri)


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(SandboxError, match="'no-such-package' is not installed"):
        closure(["no-such-package"])


def test_what_only_a_package_left_out_needs_is_left_out_too() -> None:
    assert set(closure(["boto3"], without=["botocore", "s3transfer"])) == {"boto3", "jmespath"}


def test_the_same_packages_are_linked_once_and_other_versions_elsewhere(tmp_path: Path) -> None:
    first = link_directory(tmp_path, {"six": "1"})
    assert link_directory(tmp_path, {"six": "1"}) == first
    assert link_directory(tmp_path, {"six": "2"}) != first


def test_the_layers_of_an_assembly_are_found_in_stages_and_behind_unresolved_partitions(tmp_path: Path) -> None:
    end = f":lambda:us-east-1:{POWERTOOLS.account}:layer:{POWERTOOLS.name}:{POWERTOOLS.version}"
    arn = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, end]]}
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Layers": [arn, {"Ref": "OwnLayer"}]}}
    template = {"Resources": {"Function": function, "OwnLayer": {"Type": "AWS::Lambda::LayerVersion"}}}
    stage = tmp_path / "assembly-stage"
    stage.mkdir()
    (stage / "Stack.template.json").write_text(json.dumps(template))
    assert layers_of(tmp_path) == [POWERTOOLS]


def test_a_layer_that_the_sandbox_lacks_is_named(tmp_path: Path) -> None:
    other = LayerVersion(account="111111111111", name="mystery", version=7)
    with pytest.raises(SandboxError, match="111111111111:layer:mystery:7, which the sandbox lacks"):
        layer_directory(tmp_path, other)
