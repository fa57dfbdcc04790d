"""Checks that every template has to pass before it is written: the place for an organisation's own rules.

CloudFormation's own validation is on as well, as errors, by the flag ``@aws-cdk/core:validateAgainstDefaultRules`` of
``cdk.json``. Exceptions are acknowledged finding by finding, next to the statement that causes them; rules that do not
fit a kind of resource, or nothing in the app, stand with their reasons in ``stacks/constructs/unfitting.py``.
"""

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from stacks.constructs.unfitting import decline_everywhere


def add_guardrails(app: App) -> None:
    """Refuse to synthesize templates that break a rule of cdk-nag's AwsSolutions, NIST 800-53 or Serverless pack."""
    decline_everywhere(app)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app), ServerlessChecks(app))
