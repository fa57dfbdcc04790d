"""Checks that every template has to pass before it is written: the place for an organisation's own rules.

CloudFormation's own validation is on as well, as errors, by the flag ``@aws-cdk/core:validateAgainstDefaultRules`` of
``cdk.json``. Exceptions are acknowledged finding by finding, next to the statement that causes them.
"""

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks


def add_guardrails(app: App) -> None:
    """Refuse to synthesize templates that break a rule of cdk-nag's AwsSolutions pack."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
