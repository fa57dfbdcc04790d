"""What cfn-lint finds in a template and CloudFormation would stumble over."""

from collections.abc import Sequence

from cfnlint.api import lint


def cfn_findings(text: str, *, regions: Sequence[str]) -> list[str]:
    """Errors and warnings in a template, in any of the regions."""
    weighty = [match for match in lint(text, regions=list(regions)) if match.rule.severity in ("error", "warning")]
    # W3005: the CDK writes a dependency on a role beside the one on its policies, which CloudFormation needs.
    # E3703 repeats a matter of taste about Fn::Join inside the configuration of a pipeline's action.
    return [str(match) for match in weighty if match.rule.id != "W3005" and "Prefer using Fn::Sub" not in match.message]
