"""What API Gateway decides around a call: throttling, the function's policy and the line in the access log."""

import json
from typing import Any

import pytest

from sandbox.adapter.http_api import Bucket, access_line, may_invoke
from sandbox.application import api_url, curl
from sandbox.errors import SandboxError

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:application"
ROUTE = "arn:aws:execute-api:us-east-1:000000000000:abc/$default/POST/predictions"


def statement(**changes: Any) -> dict[str, Any]:
    """What CloudFormation makes of the permission of a route."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": f"{FUNCTION}:live",
        "Condition": {"ArnLike": {"AWS:SourceArn": ROUTE.replace("$default/POST", "*/*")}},
        **changes,
    }


def allowed(given: dict[str, Any], *, arn: str = f"{FUNCTION}:live", route: str = ROUTE) -> bool:
    """Whether a policy of this one statement is enough."""
    return may_invoke({"Statement": [given]}, function_arn=arn, source_arn=route)


def test_the_permission_of_a_route_lets_it_invoke_the_alias_and_nothing_else() -> None:
    assert allowed(statement())
    assert not allowed(statement(), arn=FUNCTION)
    assert not allowed(statement(), route=ROUTE.replace("predictions", "outcomes"))
    assert not allowed(statement(), route=ROUTE.replace(":abc/", ":other/"))


@pytest.mark.parametrize(
    "changes",
    [
        {"Principal": {"Service": "sns.amazonaws.com"}},
        {"Action": "lambda:GetFunction"},
        {"Effect": "Deny"},
        {"Resource": FUNCTION},
    ],
)
def test_another_permission_does_not(changes: dict[str, Any]) -> None:
    assert not allowed(statement(**changes))


def test_a_burst_is_let_through_and_then_the_rate() -> None:
    bucket = Bucket(2.0, 3.0, now=0.0)
    assert [bucket.take(now=0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(now=0.5), bucket.take(now=0.6)] == [True, False]
    assert [bucket.take(now=60.0) for _ in range(4)] == [True, True, True, False]


def test_the_access_log_stays_json_whatever_a_caller_sends() -> None:
    pattern = '{"agent": "$context.identity.userAgent", "status": "$context.status", "no": "$context.nothing"}'
    text = access_line(pattern, {"identity.userAgent": 'a "quoted"\nagent', "status": 200})
    assert json.loads(text) == {"agent": 'a "quoted"\nagent', "status": "200", "no": "-"}


@pytest.mark.parametrize(
    ("output", "path"),
    [
        ("https://abc123.execute-api.us-east-1.amazonaws.com", "abc123"),
        ("https://abc123.execute-api.us-east-1.amazonaws.com/v1", "abc123/v1"),
    ],
)
def test_an_api_is_reached_below_the_address_of_the_sandbox(output: str, path: str) -> None:
    url = api_url("http://127.0.0.1:4566", {"ApiUrl": output})
    assert url == f"http://127.0.0.1:4566/_aws/execute-api/{path}"
    assert curl("http://127.0.0.1:4566", {"ApiUrl": output}).endswith(f" {url}/health")


def test_a_stage_without_an_application_says_so() -> None:
    with pytest.raises(SandboxError, match="ApiUrl"):
        api_url("http://127.0.0.1:4566", {"EndpointName": "flights"})
