import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.aws_s3_assets import Asset

from lambdas.shared.environment import HandlerEnvironment
from stacks.constructs.staging import Staging, handler_files

ROOT = Path(__file__).resolve().parents[2]
HANDLERS = {
    "start_training": ("Training", "StartTraining"),
    "close_training": ("Training", "CloseTraining"),
    "deploy_model": ("Serving", "DeployModel"),
    "confirm_deployment": ("Serving", "ConfirmDeployment"),
}
every_handler = pytest.mark.parametrize("name", HANDLERS)
LAYER = re.compile(r":017000801446:layer:AWSLambdaPowertoolsPythonV3-python314-x86_64:\d+$")


@pytest.fixture(name="function")
def _function(sandbox: Any) -> Callable[[str], Any]:
    def find(name: str) -> Any:
        stack, construct = HANDLERS[name]
        return sandbox[stack].one("AWS::Lambda::Function", f"{construct}Function")

    return find


def _environment_model(name: str) -> type[HandlerEnvironment]:
    module = import_module(f"lambdas.{name}.environment")
    (model,) = (
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, HandlerEnvironment) and one is not HandlerEnvironment
    )
    return model


OF_A_NETWORK = {"SUBNET_IDS", "SECURITY_GROUP_IDS"}
"""Only an isolated environment sets them (test_network.py)."""


@every_handler
def test_a_handler_gets_exactly_the_variables_that_it_reads(function: Any, name: str) -> None:
    variables = function(name)["Environment"]["Variables"]
    read = {field.upper() for field in _environment_model(name).model_fields}

    assert {variable for variable in variables if not variable.startswith("POWERTOOLS_")} == read - OF_A_NETWORK
    assert {key: value for key, value in variables.items() if key.startswith("POWERTOOLS_")} == {
        "POWERTOOLS_SERVICE_NAME": name,
        "POWERTOOLS_METRICS_NAMESPACE": "Tandem",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }


@every_handler
def test_the_variables_are_what_the_handler_accepts(function: Any, name: str) -> None:
    variables = function(name)["Environment"]["Variables"]
    stand_ins = {"URL": "https://queue", "TOPIC_ARN": "arn:", "KEY_ARN": "arn:aws:kms:", "URI": "s3://bucket/capture"}
    role = {"EXECUTION_ROLE_ARN": "arn:aws:iam::111122223333:role/one"}
    deployed = {
        key: value
        if isinstance(value, str)
        else role.get(key, next((text for end, text in stand_ins.items() if key.endswith(end)), "deployed-name"))
        for key, value in variables.items()
    }

    environment = _environment_model(name).load(deployed)

    assert (environment.project, environment.environment) == ("flights", "sandbox")


@every_handler
def test_a_handler_runs_on_the_pinned_runtime_with_the_public_powertools_layer(function: Any, name: str) -> None:
    properties = function(name)
    (layer,) = properties["Layers"]

    assert properties["Handler"] == f"lambdas.{name}.handler.handler"
    assert (properties["Runtime"], properties["Architectures"]) == ("python3.14", ["x86_64"])
    assert LAYER.search(layer["Fn::Join"][1][-1])


@every_handler
def test_a_handler_is_traced_and_unnamed_and_reserves_no_concurrency(function: Any, name: str) -> None:
    properties = function(name)

    assert properties["TracingConfig"] == {"Mode": "Active"}
    assert {"FunctionName", "ReservedConcurrentExecutions"}.isdisjoint(properties)


@every_handler
@pytest.mark.parametrize(("stage", "days"), [("flights-sandbox", 14), ("flights-production", 365)])
def test_a_handler_logs_into_a_group_of_its_own_that_forgets(assembly: Any, name: str, stage: str, days: int) -> None:
    stack, construct = HANDLERS[name]
    template = assembly.template(stage, stack)
    group = template.id("AWS::Logs::LogGroup", construct)
    function = template.one("AWS::Lambda::Function", f"{construct}Function")

    assert function["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": {"Ref": group}}
    assert template.all("AWS::Logs::LogGroup")[group]["RetentionInDays"] == days


@every_handler
def test_the_code_of_a_handler_is_its_own_folder_and_what_all_share(assembly: Any, function: Any, name: str) -> None:
    key = function(name)["Code"]["S3Key"]
    folder = assembly.folder / f"asset.{key.removesuffix('.zip')}"
    tops = {path.relative_to(folder).parts[:2] for path in folder.rglob("*") if path.is_file()}

    assert tops == {("lambdas", "__init__.py"), ("lambdas", "shared"), ("lambdas", name)}
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".py"}


def test_a_change_in_one_handler_leaves_the_code_of_the_others_alone(tmp_path: Path) -> None:
    def hashes(root: Path, run: str) -> dict[str, str]:
        stack = Stack(App(outdir=str(tmp_path / run)), "Stack")
        found = {}
        with Staging() as staging:
            for name in ("first", "second"):
                found[name] = Asset(stack, name, path=staging.handler(name, root=root)).asset_hash
        return found

    for name in ("first", "second", "shared"):
        package = tmp_path / "lambdas" / name
        package.mkdir(parents=True)
        (package / "handler.py").write_text("VALUE = 1\n")
    (tmp_path / "lambdas" / "__init__.py").write_text("")
    before = hashes(tmp_path, "before")
    (tmp_path / "lambdas" / "first" / "handler.py").write_text("VALUE = 2\n")
    after = hashes(tmp_path, "after")

    assert before["first"] != after["first"]
    assert before["second"] == after["second"]


def test_a_handler_without_an_entry_point_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"lambdas/missing/handler\.py does not exist"):
        list(handler_files("missing", root=tmp_path))


def test_approval_decides_how_a_new_model_is_registered(sandbox: Any, synthesize: Any) -> None:
    manual = synthesize(
        lambda text: text.replace('approval = "automatic"', 'approval = "manual"'), environment="sandbox"
    ).template("flights-sandbox", "Training")

    statuses = [
        template.one("AWS::Lambda::Function", "StartTrainingFunction")["Environment"]["Variables"]["APPROVAL_STATUS"]
        for template in (sandbox["Training"], manual)
    ]
    assert statuses == ["Approved", "PendingManualApproval"]


def test_only_handlers_that_wait_by_a_message_to_themselves_may_loop(function: Callable[[str], Any]) -> None:
    loops = {name: function(name)["RecursiveLoop"] for name in HANDLERS}

    assert loops == {
        "start_training": "Allow",
        "close_training": "Terminate",
        "deploy_model": "Allow",
        "confirm_deployment": "Terminate",
    }


def test_the_code_of_a_handler_is_laid_out_once_for_all_environments() -> None:
    with Staging() as staging:
        first = Path(staging.handler("start_training", root=ROOT))
        (first / "mark").touch()
        again = Path(staging.handler("start_training", root=ROOT))

        assert again == first
        assert (again / "mark").exists()
    assert not first.exists()
