"""An application's stack: its API, and CodeDeploy moving the alias behind it, through CloudFormation itself."""

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.application import api_url, call
from sandbox.server import Sandbox

DeployTemplate = Callable[..., dict[str, str]]
WaitFor = Callable[[Callable[[], Any]], Any]
CANARY = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
METRIC = {"CloudWatchMetrics": [{"Namespace": "Test", "Dimensions": [["service"]], "Metrics": [{"Name": "Bad"}]}]}
SOURCE = """
import json
def handler(event, context):
    print(json.dumps({{"_aws": {metric}, "service": "application", "Bad": {bad}}}))
    if event["rawPath"] == "/fails":
        raise RuntimeError("a secret")
    return {{"statusCode": 200, "body": json.dumps({{"version": {version!r}, "event": event}})}}
"""
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "codedeploy.amazonaws.com"}}
            ],
        }
    },
}


def template(version: str, *, bad: int = 0, configuration: str = CANARY) -> str:
    """A function in two routes, whose version is new with every text of its code."""
    source = SOURCE.format(metric=json.dumps(METRIC), bad=bad, version=version)
    number = f"Version{version}"
    api = {"ApiId": {"Ref": "Api"}}
    allowed = {"Fn::Sub": "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*/hello"}
    fails = {"Fn::Sub": "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*/fails"}
    permission = {"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
    target = {"Fn::Sub": "integrations/${Integration}"}

    def of(kind: str, **properties: Any) -> dict[str, Any]:
        return {"Type": f"AWS::{kind}", "Properties": properties}

    resources: dict[str, Any] = {
        "Role": ROLE,
        "Function": of(
            "Lambda::Function",
            Runtime="python3.13",
            Handler="index.handler",
            Code={"ZipFile": source},
            Role={"Fn::GetAtt": ["Role", "Arn"]},
            Timeout=20,
        ),
        number: {**of("Lambda::Version", FunctionName={"Ref": "Function"}), "DeletionPolicy": "Retain"},
        "Alias": {
            **of(
                "Lambda::Alias",
                FunctionName={"Ref": "Function"},
                FunctionVersion={"Fn::GetAtt": [number, "Version"]},
                Name="live",
            ),
            "UpdatePolicy": {
                "CodeDeployLambdaAliasUpdate": {
                    "ApplicationName": {"Ref": "Application"},
                    "DeploymentGroupName": {"Ref": "Group"},
                }
            },
        },
        "Application": of("CodeDeploy::Application", ComputePlatform="Lambda"),
        "Alarm": of(
            "CloudWatch::Alarm",
            AlarmName="bad-answers",
            Namespace="Test",
            MetricName="Bad",
            Dimensions=[{"Name": "service", "Value": "application"}],
            Statistic="Maximum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        ),
        "Group": of(
            "CodeDeploy::DeploymentGroup",
            ApplicationName={"Ref": "Application"},
            ServiceRoleArn={"Fn::GetAtt": ["Role", "Arn"]},
            DeploymentConfigName=configuration,
            DeploymentStyle={"DeploymentOption": "WITH_TRAFFIC_CONTROL", "DeploymentType": "BLUE_GREEN"},
            AlarmConfiguration={"Enabled": True, "Alarms": [{"Name": {"Ref": "Alarm"}}]},
            AutoRollbackConfiguration={"Enabled": True, "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]},
        ),
        "Calls": of("Logs::LogGroup", LogGroupName={"Ref": "AWS::StackName"}),
        "Api": of("ApiGatewayV2::Api", Name="api", ProtocolType="HTTP"),
        "Integration": of(
            "ApiGatewayV2::Integration",
            **api,
            IntegrationType="AWS_PROXY",
            IntegrationUri={"Ref": "Alias"},
            PayloadFormatVersion="2.0",
        ),
        "May": of("Lambda::Permission", **permission, FunctionName={"Ref": "Alias"}, SourceArn=allowed),
        "MayFail": of("Lambda::Permission", **permission, FunctionName={"Ref": "Alias"}, SourceArn=fails),
        "Stage": of(
            "ApiGatewayV2::Stage",
            **api,
            StageName="$default",
            AutoDeploy=True,
            DefaultRouteSettings={"ThrottlingBurstLimit": 100, "ThrottlingRateLimit": 1000},
            AccessLogSettings={
                "DestinationArn": {"Fn::GetAtt": ["Calls", "Arn"]},
                "Format": '{"id": "$context.requestId", "status": "$context.status", "route": "$context.routeKey", '
                '"caller": "$context.identity.userArn"}',
            },
        ),
    }
    for number_of_route, route in enumerate(("GET /hello", "POST /hello", "GET /fails", "GET /forbidden")):
        key = {"RouteKey": route, "AuthorizationType": "AWS_IAM", "Target": target}
        resources[f"Route{number_of_route}"] = of("ApiGatewayV2::Route", **api, **key)
    address = {"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"}
    outputs = {"ApiUrl": {"Value": address}, "Function": {"Value": {"Ref": "Function"}}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


@pytest.fixture
def fast(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox whose minutes last a second."""
    with Sandbox(tmp_path / "state", speed=60) as running:
        yield running


def answered(url: str, calls: int) -> Counter[str]:
    """Which version answers so many calls."""

    def one(_: int) -> str:
        status, _headers, body = call("GET", f"{url}/hello")
        assert status == 200, body
        return str(json.loads(body)["version"])

    with ThreadPoolExecutor(4) as pool:
        return Counter(pool.map(one, range(calls)))


def alias(sandbox: Sandbox, function: str) -> tuple[str, dict[str, float]]:
    """The version of the alias and the weights beside it."""
    found = sandbox.client("lambda").get_alias(FunctionName=function, Name="live")
    return found["FunctionVersion"], found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})


def delete(sandbox: Sandbox, stack: str, outputs: dict[str, str], wait_for: WaitFor) -> None:
    """Delete a stack of `template` and see its function go; what another test left is not waited for."""
    sandbox.client("cloudformation").delete_stack(StackName=stack)

    def functions() -> set[str]:
        return {each["FunctionName"] for each in sandbox.client("lambda").list_functions()["Functions"]}

    wait_for(lambda: outputs["Function"] not in functions())


def test_a_new_version_gets_a_tenth_of_the_calls_and_then_all_of_them(
    sandbox: Sandbox, deploy_template: DeployTemplate, wait_for: WaitFor
) -> None:
    outputs = deploy_template(sandbox, stack="rollout", template=template("One"))
    url = api_url(sandbox.endpoint_url, outputs)
    assert answered(url, 3) == {"One": 3}

    sandbox.client("cloudformation").update_stack(
        StackName="rollout", TemplateBody=template("Two"), Capabilities=["CAPABILITY_IAM"]
    )
    wait_for(lambda: alias(sandbox, outputs["Function"]) == ("1", {"2": 0.1}))
    during = answered(url, 200)
    # Of 200 calls at 10 %, fewer than 4 or more than 50 come once in ten million runs.
    assert 4 <= during["Two"] <= 50
    assert during["One"] + during["Two"] == 200
    sandbox.advance(timedelta(minutes=5))
    wait_for(lambda: alias(sandbox, outputs["Function"]) == ("2", {}))
    assert answered(url, 20) == {"Two": 20}
    delete(sandbox, "rollout", outputs, wait_for)


def test_an_alarm_on_what_the_new_version_logs_takes_it_back_and_fails_the_update(
    fast: Sandbox, deploy_template: DeployTemplate
) -> None:
    outputs = deploy_template(fast, stack="rollout", template=template("One"))
    url = api_url(fast.endpoint_url, outputs)
    answered(url, 1)
    with ThreadPoolExecutor(1) as pool:
        update = pool.submit(deploy_template, fast, stack="rollout", template=template("Two", bad=1), update=True)
        while not update.done():
            answered(url, 5)
        with pytest.raises(pytest.fail.Exception, match=r"UPDATE_ROLLBACK_COMPLETE.*alarms are active: bad-answers"):
            update.result()
    assert alias(fast, outputs["Function"]) == ("1", {})
    assert answered(url, 20) == {"One": 20}


def test_an_update_all_at_once_replaces_the_version_in_one_step(
    sandbox: Sandbox, deploy_template: DeployTemplate, wait_for: WaitFor
) -> None:
    at_once = "CodeDeployDefault.LambdaAllAtOnce"
    deploy_template(sandbox, stack="once", template=template("One", configuration=at_once))
    outputs = deploy_template(sandbox, stack="once", template=template("Two", configuration=at_once), update=True)
    assert alias(sandbox, outputs["Function"]) == ("2", {})
    delete(sandbox, "once", outputs, wait_for)


def test_a_call_is_answered_counted_and_logged_as_api_gateway_does(
    sandbox: Sandbox, deploy_template: DeployTemplate, wait_for: WaitFor
) -> None:
    outputs = deploy_template(sandbox, stack="calls", template=template("One"))
    url = api_url(sandbox.endpoint_url, outputs)
    status, headers, body = call("GET", f"{url}/hello")
    context = json.loads(body)["event"]["requestContext"]
    assert (status, context["requestId"], context["routeKey"]) == (200, headers["apigw-requestid"], "GET /hello")
    failed = call("GET", f"{url}/fails")
    assert (failed[0], json.loads(failed[2])) == (500, {"message": "Internal Server Error"})
    # The function has no permission for this route.
    forbidden = call("GET", f"{url}/forbidden")
    assert (forbidden[0], json.loads(forbidden[2])) == (500, {"message": "Internal Server Error"})
    assert call("GET", f"{url}/nowhere")[0] == 404

    def lines() -> list[dict[str, str]]:
        events = sandbox.client("logs").filter_log_events(logGroupName="calls")["events"]
        return [json.loads(event["message"]) for event in events]

    wait_for(lambda: len(lines()) == 4)
    assert lines()[0] == {"id": headers["apigw-requestid"], "status": "200", "route": "GET /hello", "caller": "-"}
    assert [line["status"] for line in lines()] == ["200", "500", "500", "404"]

    def total(namespace: str, name: str, **dimensions: str) -> float:
        answer = sandbox.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=sandbox.now() - timedelta(minutes=5),
            EndTime=sandbox.now() + timedelta(minutes=5),
            Period=3600,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in answer["Datapoints"]))

    api = url.rpartition("/")[2]
    wait_for(lambda: total("AWS/ApiGateway", "Count", ApiId=api) == 4)
    assert total("AWS/ApiGateway", "5xx", ApiId=api) == 2
    assert total("AWS/ApiGateway", "4xx", ApiId=api, Stage="$default") == 1
    function = outputs["Function"]
    assert total("AWS/Lambda", "Invocations", FunctionName=function, Resource=f"{function}:live") == 2
    assert total("AWS/Lambda", "Errors", FunctionName=function, Resource=f"{function}:live") == 1
    delete(sandbox, "calls", outputs, wait_for)


@pytest.mark.parametrize("size", [10, 100_000, 5_000_000])
def test_a_body_of_any_allowed_size_reaches_a_warm_function(
    sandbox: Sandbox, deploy_template: DeployTemplate, wait_for: WaitFor, size: int
) -> None:
    outputs = deploy_template(sandbox, stack=f"sizes-{size}", template=template("One"))
    url = api_url(sandbox.endpoint_url, outputs)
    for _ in range(2):
        status, _headers, body = call("POST", f"{url}/hello", body="x" * size)
        assert status == 200, body[:1000]
        assert len(json.loads(body)["event"]["body"]) == size + 2
    assert call("POST", f"{url}/hello", body=b"x" * (10 * 1024 * 1024 + 1))[0] == 413
    delete(sandbox, f"sizes-{size}", outputs, wait_for)


def test_a_call_without_a_signature_is_forbidden(
    sandbox: Sandbox, deploy_template: DeployTemplate, wait_for: WaitFor
) -> None:
    outputs = deploy_template(sandbox, stack="unsigned", template=template("One"))
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{api_url(sandbox.endpoint_url, outputs)}/hello")  # noqa: S310 - our own address
    delete(sandbox, "unsigned", outputs, wait_for)


def test_what_a_stack_imports_cannot_be_deleted(
    sandbox: Sandbox, deploy_template: DeployTemplate, wait_for: WaitFor
) -> None:
    queue = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "exported"}}}
    exported = {"Name": {"Value": {"Fn::GetAtt": ["Queue", "QueueName"]}, "Export": {"Name": "queue-name"}}}
    importing = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::ImportValue": "queue-name"}}}
    deploy_template(sandbox, stack="exporter", template=json.dumps({"Resources": queue, "Outputs": exported}))
    deploy_template(sandbox, stack="importer", template=json.dumps({"Resources": {"Topic": importing}}))
    cloudformation = sandbox.client("cloudformation")
    with pytest.raises(ClientError, match="queue-name"):
        cloudformation.delete_stack(StackName="exporter")
    cloudformation.delete_stack(StackName="importer")
    wait_for(lambda: not sandbox.client("sns").list_topics()["Topics"])
    cloudformation.delete_stack(StackName="exporter")
    wait_for(lambda: not sandbox.client("sqs").list_queues().get("QueueUrls"))
