"""How a new version of a function takes over: an alias that AWS CodeDeploy moves, and the alarms that move it back."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.notifications import with_runbook
from stacks.constructs.permissions import allow
from stacks.settings import Settings

_WHY_VERSIONS = "Lambda numbers the versions of the function; the permission ends at the function."


class VersionRollout(Construct):
    """Alias ``live`` of a function, moved step by step and moved back when one of two alarms goes on.

    One alarm is on errors of the function, the other one is the endpoint's alarm on requests that the application could
    not answer: whichever of the two moves, it goes back.

    An alarm that is on already stops a deployment as well, so that nothing is delivered into an incident, what mends it
    included (issue 716 of aws/serverless-application-model; pull request 26957 of aws/aws-cdk). ``ignore_alarms`` of
    the settings switches the alarms off for that. CloudFormation takes the alias's update policy for a dependency
    (issue 2231 of aws/aws-cdk): the group knows of the switch before the alias moves, in one and the same deployment.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, function: lambda_.Function, topic: str
    ) -> None:
        super().__init__(scope, construct_id)
        self.alias = lambda_.Alias(self, "Alias", alias_name="live", version=function.current_version)
        errors = cloudwatch.Alarm(
            self,
            "Errors",
            metric=self.alias.metric_errors(period=Duration.minutes(1), statistic="Sum"),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=with_runbook(
                "The application's function failed. CodeDeploy takes a new version back.", "application"
            ),
        )
        tell = actions.SnsAction(sns.Topic.from_topic_arn(self, "Topic", topic))
        errors.add_alarm_action(tell)
        errors.add_ok_action(tell)
        unanswered = cloudwatch.Alarm.from_alarm_name(self, "Unanswered", settings.names.rollback_alarm("application"))
        self._move_by_code_deploy(settings, function=function, alarms=[errors, unanswered])

    def _move_by_code_deploy(
        self, settings: Settings, *, function: lambda_.Function, alarms: Sequence[cloudwatch.IAlarm]
    ) -> None:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"))
        allow(role, actions=["cloudwatch:DescribeAlarms"], resources=[alarm.alarm_arn for alarm in alarms])
        allow(
            role,
            actions=["lambda:GetAlias", "lambda:UpdateAlias"],
            # Service Authorization Reference: both are on the function; CodeDeploy names the alias as well.
            resources=[function.function_arn, self._arn(function, "*")],
            wildcard_reason=_WHY_VERSIONS,
        )
        allow(
            role,
            # No page says when CodeDeploy asks for it; the managed policies AWSCodeDeployRoleForLambda and
            # AWSCodeDeployRoleForLambdaLimited have it. Service Authorization Reference: on an alias or a version.
            actions=["lambda:GetProvisionedConcurrencyConfig"],
            resources=[self._arn(function, "*")],
            wildcard_reason=_WHY_VERSIONS,
        )
        ignored = settings.application.ignore_alarms
        codedeploy.LambdaDeploymentGroup(
            self,
            "Group",
            alias=self.alias,
            alarms=alarms,
            ignore_alarm_configuration=ignored,
            auto_rollback=codedeploy.AutoRollbackConfig(deployment_in_alarm=not ignored, failed_deployment=True),
            deployment_config=_config(settings),
            # The construct would add a managed policy that may update the alias of any function.
            role=role.without_policy_updates(),
        )

    def _arn(self, function: lambda_.Function, qualifier: str) -> str:
        return Stack.of(self).format_arn(
            service="lambda",
            resource="function",
            resource_name=f"{function.function_name}:{qualifier}",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )


def _config(settings: Settings) -> codedeploy.ILambdaDeploymentConfig:
    configs = {
        "canary": codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
        "linear": codedeploy.LambdaDeploymentConfig.LINEAR_10_PERCENT_EVERY_1_MINUTE,
        "all_at_once": codedeploy.LambdaDeploymentConfig.ALL_AT_ONCE,
    }
    return configs[settings.application.rollout]
