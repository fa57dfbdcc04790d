"""Settings: ``project.toml`` files, validated once and handed around as one frozen tree.

Nothing here imports the CDK, so that other tools may read the settings cheaply.
"""

from stacks.errors import SettingsError
from stacks.settings.contract import application_contract
from stacks.settings.load import load_project, load_projects, select
from stacks.settings.monitoring_rules import CAPTURE_DAYS, GROUND_TRUTH, WINDOW_LENGTH, periods_without_a_run
from stacks.settings.names import RETRAINING_ALARMS, VARIANT, AlarmKind, Names, RollbackKind
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
    "Names",
    "ProjectSettings",
    "RollbackKind",
    "Settings",
    "SettingsError",
    "application_contract",
    "load_project",
    "load_projects",
    "periods_without_a_run",
    "select",
]
