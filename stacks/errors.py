"""Errors that a person can fix by editing a file, reported without a stack trace."""


class ConfigurationError(Exception):
    """Something the reader of the message can repair; ``app.py`` prints it and exits with code 2."""


class SettingsError(ConfigurationError):
    """A ``project.toml`` (or a ``-c`` selection) that cannot be used."""


class StalePipelineError(ConfigurationError):
    """A compiled SageMaker pipeline that is missing or older than its sources."""


class MissingAssetError(ConfigurationError):
    """A file that is deployed and has to be fetched first."""
