"""The HTTP API in front of the application: its routes, who may call, how often, and what is logged of a call."""

import json
from collections.abc import Mapping
from typing import Final

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.constructs.logs import kept_logs
from stacks.constructs.permissions import allow
from stacks.settings import Settings

ROUTES: Final = (
    (apigateway.HttpMethod.POST, "/predictions"),
    (apigateway.HttpMethod.POST, "/outcomes"),
    (apigateway.HttpMethod.GET, "/model"),
    (apigateway.HttpMethod.GET, "/health"),
    (apigateway.HttpMethod.GET, "/openapi.json"),
)
_LOGGED: Final = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "route": "$context.routeKey",
    "status": "$context.status",
    "milliseconds": "$context.responseLatency",
    "integrationMilliseconds": "$context.integrationLatency",
    "bytes": "$context.responseLength",
    "error": "$context.error.message",
    "authorizerError": "$context.authorizer.error",
    "integrationError": "$context.integrationErrorMessage",
}
"""AWS page "Customize HTTP API access logs": none of these holds anything of a body, a header or a query."""
_CALLER: Final[dict[str, str]] = {
    "iam": "$context.identity.userArn",
    "jwt": "$context.authorizer.claims.sub",
}
"""Who calls, the same page: the ARN is there for signed requests only, a claim for tokens only. ``sub`` is the subject
that the issuer gave the token to (RFC 7519 "JSON Web Token", section 4.1.2)."""


class HttpApi(Construct):
    """An API with the application's routes and one for all that is none of them; every route asks who calls."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, target: lambda_.IFunction, key: kms.IKey
    ) -> None:
        super().__init__(scope, construct_id)
        application = settings.application
        integration = integrations.HttpLambdaIntegration("Application", target)
        api = apigateway.HttpApi(
            self,
            "Api",
            api_name=settings.names.application,
            description=f"Asks the model of {settings.names.stage}",
            create_default_stage=False,
            default_authorizer=_authorizer(settings),
            # Other paths and methods get the application's own words for them: 404 and 405 with what is allowed.
            default_integration=integration,
        )
        for method, path in ROUTES:
            api.add_routes(path=path, methods=[method], integration=integration)
        stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=api,
            stage_name="$default",
            auto_deploy=True,
            detailed_metrics_enabled=True,
            throttle=apigateway.ThrottleSettings(
                rate_limit=application.requests_per_second, burst_limit=application.burst
            ),
        )
        logged = _LOGGED | {"caller": _CALLER[application.authorization]}
        self._log_calls(stage, logged, kept_logs(self, "AccessLogs", key=key, retain=settings.deployment.retain))
        self.id = api.api_id
        stack = Stack.of(self)
        self.url = f"https://{api.api_id}.execute-api.{stack.region}.{stack.url_suffix}"

    def grant_call(self, role: iam.Role) -> None:
        """Let ``role`` call every route (AWS page "Control access to HTTP APIs with IAM authorization")."""
        routes = [f"{self.id}/$default/{method.value}{path}" for method, path in ROUTES]
        arns = [
            Stack.of(self).format_arn(service="execute-api", resource=route, arn_format=ArnFormat.NO_RESOURCE_NAME)
            for route in routes
        ]
        allow(role, actions=["execute-api:Invoke"], resources=arns)

    def _log_calls(self, stage: apigateway.HttpStage, logged: Mapping[str, str], group: logs.ILogGroup) -> None:
        # The construct takes a log format of REST APIs only.
        resource = stage.node.default_child
        if not isinstance(resource, apigateway.CfnStage):
            raise TypeError(f"{stage.node.path}: expected a CfnStage, found {type(resource).__name__}")
        resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=group.log_group_arn, format=json.dumps(logged)
        )


def _authorizer(settings: Settings) -> apigateway.IHttpRouteAuthorizer:
    application = settings.application
    if application.authorization == "iam" or application.jwt_issuer is None:
        return authorizers.HttpIamAuthorizer()
    return authorizers.HttpJwtAuthorizer("Tokens", application.jwt_issuer, jwt_audience=application.jwt_audience)
