"""The application's stack: who may call what, how a new version takes over, and what it knows of the ML side."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stacks.settings.contract import application_contract

ROOT = Path(__file__).resolve().parents[2]
FLIGHTS = ROOT / "pipelines" / "projects" / "flights"
ROUTES = {"POST /predictions", "POST /outcomes", "GET /model", "GET /health", "GET /openapi.json"}
ELSE = "$default"  # whatever is none of them: the application says 404 or 405 itself
LOGGED = {
    "requestId",
    "time",
    "ip",
    "caller",
    "route",
    "status",
    "milliseconds",
    "integrationMilliseconds",
    "bytes",
    "error",
    "authorizerError",
    "integrationError",
}
TOKENS = """authorization = "jwt"
jwt_issuer = "https://login.example.com/"
jwt_audience = ["flights", "planes"]
jwt_credentials_secret = "flights/smoke"
"""


def _imports(value: Any) -> Iterator[str]:
    match value:
        case {"Fn::ImportValue": name}:
            yield name
        case dict():
            for each in value.values():
                yield from _imports(each)
        case list():
            for each in value:
                yield from _imports(each)


def test_the_api_has_the_routes_of_the_application_and_asks_for_a_signature_on_each(application: Any) -> None:
    routes = application.all("AWS::ApiGatewayV2::Route").values()

    assert {route["RouteKey"] for route in routes} == ROUTES | {ELSE}
    assert {route["AuthorizationType"] for route in routes} == {"AWS_IAM"}
    assert not application.all("AWS::ApiGatewayV2::Authorizer")


def test_tokens_are_those_of_the_issuer_for_the_audience(synthesize: Any) -> None:
    changed = synthesize(lambda text: text.replace('authorization = "iam"  ', TOKENS), environment="sandbox")
    application = changed.template("flights-sandbox", "Application")
    authorizer = application.one("AWS::ApiGatewayV2::Authorizer", "Api")
    routes = application.all("AWS::ApiGatewayV2::Route").values()

    assert authorizer["AuthorizerType"] == "JWT"
    assert authorizer["JwtConfiguration"] == {
        "Audience": ["flights", "planes"],
        "Issuer": "https://login.example.com/",
    }
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    assert {route["RouteKey"] for route in routes} == ROUTES | {ELSE}
    assert {route["AuthorizationType"] for route in routes} == {"JWT"}
    assert {route["AuthorizerId"]["Ref"] for route in routes} == {
        application.id("AWS::ApiGatewayV2::Authorizer", "Api")
    }


def test_calls_beyond_the_limits_are_refused_by_the_api(synthesize: Any) -> None:
    changed = synthesize(
        lambda text: text.replace("requests_per_second = 500", "requests_per_second = 70").replace(
            "burst = 1000", "burst = 140"
        ),
        environment="sandbox",
    )
    stage = changed.template("flights-sandbox", "Application").one("AWS::ApiGatewayV2::Stage", "ApiStage")

    assert stage["DefaultRouteSettings"] == {
        "DetailedMetricsEnabled": True,
        "ThrottlingBurstLimit": 140,
        "ThrottlingRateLimit": 70,
    }


def test_the_access_log_holds_nothing_of_a_body_a_header_or_a_query(application: Any) -> None:
    settings = application.one("AWS::ApiGatewayV2::Stage", "ApiStage")["AccessLogSettings"]
    logged = _logged(application)

    assert set(logged) == LOGGED
    assert all(re.fullmatch(r"\$context\.[A-Za-z.]+", value) for value in logged.values())
    assert settings["DestinationArn"] == {"Fn::GetAtt": [application.id("AWS::Logs::LogGroup", "ApiAccess"), "Arn"]}


def test_the_access_log_names_who_signed(application: Any) -> None:
    assert _logged(application)["caller"] == "$context.identity.userArn"


def test_with_tokens_the_access_log_names_the_subject_of_the_token(synthesize: Any) -> None:
    """AWS page "Customize HTTP API access logs": ``$context.authorizer.claims.property``."""
    changed = synthesize(lambda text: text.replace('authorization = "iam"  ', TOKENS), environment="sandbox")
    logged = _logged(changed.template("flights-sandbox", "Application"))

    assert set(logged) == LOGGED
    assert logged["caller"] == "$context.authorizer.claims.sub"
    assert not [value for value in logged.values() if "userArn" in value]


def test_requests_go_to_the_alias_which_the_api_alone_may_call(application: Any) -> None:
    alias = {"Ref": application.id("AWS::Lambda::Alias", "RolloutAlias")}
    (integration,) = application.all("AWS::ApiGatewayV2::Integration").values()
    permissions = application.all("AWS::Lambda::Permission").values()

    assert integration["IntegrationUri"] == alias
    assert integration["PayloadFormatVersion"] == "2.0"
    assert {one["Principal"] for one in permissions} == {"apigateway.amazonaws.com"}
    assert all(one["FunctionName"] == alias for one in permissions)
    paths = {one["SourceArn"]["Fn::Join"][1][-1].removeprefix("/*/*") for one in permissions}
    assert paths - {""} == {route.split(" ")[1] for route in ROUTES}


@pytest.mark.parametrize(
    ("rollout", "config"),
    [
        ("canary", "CodeDeployDefault.LambdaCanary10Percent5Minutes"),
        ("linear", "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"),
    ],
)
def test_a_new_version_takes_over_as_the_settings_say(synthesize: Any, rollout: str, config: str) -> None:
    changed = synthesize(
        lambda text: text.replace('rollout = "all_at_once"', f'rollout = "{rollout}"'), environment="sandbox"
    )
    group = changed.template("flights-sandbox", "Application").one("AWS::CodeDeploy::DeploymentGroup", "Rollout")

    assert group["DeploymentConfigName"] == config


def test_code_deploy_moves_the_alias_and_two_alarms_move_it_back(application: Any) -> None:
    group_id = application.id("AWS::CodeDeploy::DeploymentGroup", "Rollout")
    group = application.one("AWS::CodeDeploy::DeploymentGroup", "Rollout")
    alias = application.body["Resources"][application.id("AWS::Lambda::Alias", "RolloutAlias")]

    assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"] == {"Ref": group_id}
    assert group["AlarmConfiguration"] == {
        "Alarms": [
            {"Name": {"Ref": application.id("AWS::CloudWatch::Alarm", "RolloutErrors")}},
            {"Name": "flights-sandbox-rollback-application"},
        ],
        "Enabled": True,
    }
    assert set(group["AutoRollbackConfiguration"]["Events"]) == {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"}


def test_in_an_emergency_alarms_that_are_on_neither_stop_a_new_version_nor_take_it_back(
    synthesize: Any, application: Any
) -> None:
    changed = synthesize(
        lambda text: text.replace('rollout = "all_at_once"', 'rollout = "all_at_once"\nignore_alarms = true'),
        environment="sandbox",
    )
    group = changed.template("flights-sandbox", "Application").one("AWS::CodeDeploy::DeploymentGroup", "Rollout")

    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaAllAtOnce"
    assert group["AlarmConfiguration"]["Enabled"] is False
    assert group["AutoRollbackConfiguration"] == {"Enabled": True, "Events": ["DEPLOYMENT_FAILURE"]}
    # The group is to know before the alias moves, so nothing that it depends on may depend on the alias.
    assert application.id("AWS::Lambda::Alias", "RolloutAlias") not in str(
        [application.one("AWS::CloudWatch::Alarm", "RolloutErrors"), group]
    )


def test_the_alarm_of_the_endpoint_that_it_looks_at_exists(sandbox: Any) -> None:
    names = {one.get("AlarmName") for one in sandbox["Serving"].all("AWS::CloudWatch::Alarm").values()}

    assert "flights-sandbox-rollback-application" in names


def test_an_error_of_the_function_is_told_and_takes_a_version_back(application: Any) -> None:
    alarm = application.one("AWS::CloudWatch::Alarm", "RolloutErrors")

    assert (alarm["MetricName"], alarm["Threshold"], alarm["Period"]) == ("Errors", 0, 60)
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmActions"] == [{"Fn::ImportValue": "flights-sandbox-NotificationTopicArn"}]
    (page,) = re.findall(r"docs/\S+\.md", alarm["AlarmDescription"])
    assert (ROOT / page).is_file()


def test_the_function_knows_its_neighbours_by_environment_variables(synthesize: Any) -> None:
    named = synthesize(environment="sandbox", code_version="v1.2.3").template("flights-sandbox", "Application")
    function = named.one("AWS::Lambda::Function", "ApplicationFunction")
    variables = function["Environment"]["Variables"]

    assert {name: value for name, value in variables.items() if not name.startswith("POWERTOOLS")} == {
        "PROJECT": "flights",
        "ENVIRONMENT": "sandbox",
        "ENDPOINT_NAME": "flights-sandbox",
        "LEDGER_TABLE": {"Fn::ImportValue": "flights-sandbox-LedgerTableName"},
        "DATA_BUCKET": {"Fn::ImportValue": "flights-sandbox-DataBucketName"},
        "ARTIFACTS_BUCKET": {"Fn::ImportValue": "flights-sandbox-ArtifactsBucketName"},
        "MAX_RECORDS": "100",
        "TIMEOUT_SECONDS": "15",
        "CODE_VERSION": "v1.2.3",
    }
    assert (function["Timeout"], function["MemorySize"]) == (15, 1024)


def test_only_what_storage_exports_by_name_is_imported(sandbox: Any) -> None:
    outputs = sandbox["Storage"].body["Outputs"]
    exported = {name: one["Export"]["Name"] for name, one in outputs.items() if not name.startswith("Exports")}
    imported = set(_imports(sandbox["Application"].body))

    assert imported <= set(exported.values())
    assert imported == {f"flights-sandbox-{name}" for name in exported}


def test_the_contract_goes_with_the_code(assembly: Any) -> None:
    template = assembly.template("flights-production", "Application")

    spoken = json.loads(application_contract(FLIGHTS).read_text("utf-8"))
    assert _contract(assembly, template) == spoken
    assert template.body["Outputs"]["ContractVersion"]["Value"] == spoken["version"]


def test_a_contract_of_its_own_goes_with_the_code_instead_of_the_models(synthesize: Any) -> None:
    own = json.loads(_flights("contract.json")) | {"version": "7.0"}
    changed = synthesize(files={"flights/application.contract.json": json.dumps(own)}, environment="production")
    template = changed.template("flights-production", "Application")

    assert _contract(changed, template)["version"] == "7.0"
    assert template.body["Outputs"]["ContractVersion"]["Value"] == "7.0"


def test_a_delivered_application_is_tried_by_the_checks_of_the_pipelines_only(production: Any) -> None:
    role = production["Application"].one("AWS::IAM::Role", "DeliveryRole")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    checks = [one["Fn::Join"][1][-1] for one in trust["Condition"]["ArnEquals"]["aws:PrincipalArn"]]

    assert role["RoleName"] == "flights-production-delivery-application"
    assert checks == [":role/flights-delivery-application-checks", ":role/flights-delivery-ml-checks"]


def test_the_delivery_role_calls_each_route_of_this_api_and_nothing_else_of_it(production: Any) -> None:
    template = production["Application"]
    policy = template.one("AWS::IAM::Policy", "DeliveryRole")["PolicyDocument"]["Statement"]
    (calls,) = (one for one in policy if one["Action"] == "execute-api:Invoke")
    arns = [
        "".join(part if isinstance(part, str) else part["Ref"] for part in one["Fn::Join"][1])
        for one in calls["Resource"]
    ]

    assert set(arns) == {
        f"arn:AWS::Partition:execute-api:AWS::Region:AWS::AccountId:{template.id('AWS::ApiGatewayV2::Api', 'Api')}"
        f"/$default/{route.replace(' ', '')}"
        for route in ROUTES
    }


def test_an_environment_that_is_not_delivered_has_no_delivery_role(sandbox: Any) -> None:
    for stack in ("Training", "Application"):
        assert not [name for name in sandbox[stack].all("AWS::IAM::Role") if name.startswith("Delivery")]


def _logged(application: Any) -> Any:
    return json.loads(application.one("AWS::ApiGatewayV2::Stage", "ApiStage")["AccessLogSettings"]["Format"])


def _contract(assembly: Any, template: Any) -> Any:
    """The contract in the asset of the function."""
    key = template.one("AWS::Lambda::Function", "ApplicationFunction")["Code"]["S3Key"]
    file = assembly.folder / f"asset.{key.removesuffix('.zip')}" / "application" / "contract.json"
    return json.loads(file.read_text("utf-8"))


def _flights(name: str) -> str:
    return (FLIGHTS / name).read_text("utf-8")
