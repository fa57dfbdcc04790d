"""Settings: ``project.toml`` files, validated once and handed around as one frozen tree.

Nothing here imports the CDK, so that other tools may read the settings cheaply.
"""

from stacks.errors import SettingsError
from stacks.settings.contract import application_contract
from stacks.settings.load import load_project, load_projects, select
from stacks.settings.model import DeliveryPipelines
from stacks.settings.monitoring_rules import CAPTURE_DAYS, GROUND_TRUTH, WINDOW_LENGTH, periods_without_a_run
from stacks.settings.names import (
    RETRAINING_ALARMS,
    VARIANT,
    AlarmKind,
    Names,
    RollbackKind,
    Side,
    checks_role,
    delivery_stack,
)
from stacks.settings.resolved import ProjectSettings, Settings
from stacks.settings.rollout_rules import ALARM_MINUTES

__all__ = [
    "ALARM_MINUTES",
    "CAPTURE_DAYS",
    "GROUND_TRUTH",
    "RETRAINING_ALARMS",
    "VARIANT",
    "WINDOW_LENGTH",
    "AlarmKind",
    "DeliveryPipelines",
    "Names",
    "ProjectSettings",
    "RollbackKind",
    "Settings",
    "SettingsError",
    "Side",
    "application_contract",
    "checks_role",
    "delivery_stack",
    "load_project",
    "load_projects",
    "periods_without_a_run",
    "select",
]
