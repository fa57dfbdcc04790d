"""Settings: ``project.toml`` files, validated once and handed around as one frozen tree.

Nothing here imports the CDK, so that other tools may read the settings cheaply.
"""

from stacks.errors import SettingsError
from stacks.settings.load import load_project, load_projects, select
from stacks.settings.names import VARIANT, Names
from stacks.settings.resolved import ProjectSettings, Settings

__all__ = [
    "VARIANT",
    "Names",
    "ProjectSettings",
    "Settings",
    "SettingsError",
    "load_project",
    "load_projects",
    "select",
]
