"""From settings to the CDK app, without guardrails: tests inspect templates that a failed check would withhold."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aws_cdk import App

from stacks.code_version import code_version
from stacks.constructs.staging import Staging
from stacks.settings import ProjectSettings, select
from stacks.stage import ProjectStage


def build_app(
    projects: Sequence[ProjectSettings],
    *,
    root: Path,
    outdir: Path | None = None,
    context: Mapping[str, Any] | None = None,
) -> App:
    """Build one stage per selected project and environment, and the delivery pipelines of the projects that have some.

    Context (``-c key=value``): ``project`` and ``environment`` select, an environment without pipelines; ``delivery``
    selects one pipeline (``application`` or ``ml``) without environments; ``code_version`` replaces the git commit.

    Args:
        projects: what ``load_projects`` returned.
        root: the repository.
        outdir: where the templates go; the CDK's own choice (``CDK_OUTDIR`` or ``cdk.out``) if not given.
        context: values that ``-c`` would give; the command line still wins over them.

    Raises:
        ConfigurationError: a selection that does not exist, or a compiled pipeline that is stale.
    """
    app = App(
        context=feature_flags(root) | dict(context or {}),
        analytics_reporting=False,
        outdir=None if outdir is None else str(outdir),
    )
    commit = app.node.try_get_context("code_version") or code_version(root)
    project, environment, side = (app.node.try_get_context(key) for key in ("project", "environment", "delivery"))
    selected = select(projects, project=project, environment=environment)
    with Staging() as staging:
        if side is None:
            for settings in selected:
                ProjectStage(app, settings=settings, root=root, code_version=commit, staging=staging)
        if environment is None:
            from stacks.delivery import add_deliveries  # noqa: PLC0415  # an environment alone needs none of it

            for each in projects:
                if project in (None, each.name):
                    add_deliveries(app, each, side=side, root=root, code_version=commit, staging=staging)
    return app


def feature_flags(root: Path) -> dict[str, Any]:
    """The context of ``cdk.json``: without the CDK command line nobody else reads it."""
    flags: dict[str, Any] = json.loads((root / "cdk.json").read_text("utf-8"))["context"]
    return flags
