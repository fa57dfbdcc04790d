from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from stacks.errors import SettingsError
from stacks.settings import VARIANT, load_projects, select

ROOT = Path(__file__).resolve().parents[3]


def test_the_shipped_projects_load_with_every_environment() -> None:
    stages = [one.names.stage for one in select(load_projects(ROOT), project="flights", environment=None)]

    assert stages == ["flights-sandbox", "flights-staging", "flights-production", "flights-year"]


def test_an_environment_changes_only_the_keys_that_it_names() -> None:
    sandbox, _, production, _ = select(load_projects(ROOT), project="flights", environment=None)

    assert (sandbox.retraining.settle_seconds, production.retraining.settle_seconds) == (2, 60)
    assert sandbox.retraining.approval == production.retraining.approval == "automatic"
    assert (sandbox.deployment.retain, production.deployment.retain) == (False, True)
    assert (sandbox.deployment.notify, production.deployment.notify) == ((), ("ml-team@example.com",))


def test_an_environment_may_change_a_hyperparameter_and_keeps_the_others(
    shipped: str, write_project: Callable[..., Path]
) -> None:
    root = write_project(shipped + "\n[environments.production.training.hyperparameters]\nrounds = 3\n")

    (production,) = select(load_projects(root), project=None, environment="production")

    assert production.training.hyperparameters == {"rounds": 3, "max_depth": 8, "learning_rate": 0.1}


def test_an_environment_may_have_a_gate_of_its_own(shipped: str, write_project: Callable[..., Path]) -> None:
    gate = (
        "\n[environments.production.gate]\nmargin = 0.05\n"
        '[[environments.production.gate.slices]]\ncolumn = "carrier"\nmin_rows = 100\nmax_worsening = 0.1\n'
    )
    root = write_project(shipped + gate)

    (production,) = select(load_projects(root), project=None, environment="production")

    assert [(one.column, one.min_rows, one.max_worsening) for one in production.gate.slices] == [("carrier", 100, 0.1)]
    assert [one.metric for one in production.gate.guards] == ["mae"]
    assert (production.gate.margin, production.gate.metric) == (0.05, "rmse")


def test_what_is_not_written_has_a_safe_default(write_project: Callable[..., Path]) -> None:
    root = write_project(
        """
        project = { name = "flights", task = "binary_classification", target = "late", time_column = "day" }
        gate = { metric = "auc", direction = "maximize" }
        [environments.production]
        """
    )

    (settings,) = select(load_projects(root), project=None, environment=None)

    assert settings.deployment.retain
    assert (settings.deployment.account, settings.deployment.region) == (None, None)
    assert settings.serving.capture_percent == 100
    assert settings.retraining.new_data == "always"
    assert (settings.monitoring.engine, settings.monitoring.schedule) == ("arrow", "cron(15 1 * * ? *)")


def test_names_are_generated_from_project_and_environment() -> None:
    (settings,) = select(load_projects(ROOT), project="flights", environment="sandbox")
    names = settings.names

    assert names.stage == names.endpoint == names.model_package_group == "flights-sandbox"
    assert names.training_pipeline == "flights-sandbox-training"
    assert names.monitoring_pipeline == "flights-sandbox-monitoring"
    assert names.alarm("drift") == "flights-sandbox-drift"
    assert VARIANT == "live"


def test_the_longest_names_leave_room_for_version_and_hash_in_63_characters(write_project: Callable[..., Path]) -> None:
    project, environment = "p" * 24, "e" * 16
    root = write_project(
        f"""
        project = {{ name = "{project}", task = "regression", target = "y", time_column = "t" }}
        gate = {{ metric = "rmse", direction = "minimize" }}
        [environments.{environment}]
        """,
        folder=project,
    )

    (settings,) = select(load_projects(root), project=None, environment=None)

    assert len(f"{settings.names.endpoint}-v999999-0123abcd") <= 63


def test_settings_cannot_be_changed() -> None:
    (settings,) = select(load_projects(ROOT), project="flights", environment="sandbox")

    with pytest.raises(ValidationError, match="frozen"):
        settings.gate.margin = 0.5  # type: ignore[misc]  # the point of the test


def test_a_tree_without_projects_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"pipelines/projects: no project found\. Allowed: at least one folder"):
        load_projects(tmp_path)


def test_a_second_project_is_found_without_touching_the_first(shipped: str, write_project: Callable[..., Path]) -> None:
    root = write_project(shipped)
    write_project(shipped.replace('name = "flights"', 'name = "delays"'), folder="delays")

    assert [project.name for project in load_projects(root)] == ["delays", "flights"]


@pytest.mark.parametrize(
    ("project", "environment", "message"),
    [
        ("fligths", None, '-c project=fligths: unknown project. Allowed: flights. Did you mean "flights"?'),
        (
            "flights",
            "qa",
            "-c environment=qa: unknown environment. Allowed: sandbox, staging, production, year.",
        ),
        (
            None,
            "prodution",
            (
                "-c environment=prodution: unknown environment. Allowed: sandbox, staging, production, year. "
                'Did you mean "production"?'
            ),
        ),
    ],
)
def test_a_selection_that_does_not_exist_is_refused(project: str | None, environment: str | None, message: str) -> None:
    projects = [one for one in load_projects(ROOT) if one.name == "flights"]

    with pytest.raises(SettingsError) as caught:
        select(projects, project=project, environment=environment)

    assert str(caught.value) == message
