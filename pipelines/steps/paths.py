"""Where SageMaker puts things inside a container, below ``/opt/ml`` or the folder that stands for it.

AWS pages: "How Amazon SageMaker AI Provides Training Information", "How Amazon SageMaker AI Processing Runs Your
Processing Container".
"""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The container's folders and files."""

    base: Path

    @classmethod
    def from_environment(cls) -> "Paths":
        """Start at ``SAGEMAKER_BASE_DIR`` when it is set, at ``/opt/ml`` otherwise."""
        return cls(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")))

    def processing_input(self, name: str) -> Path:
        """Return the folder of a processing input."""
        return self.base / "processing" / "input" / name

    def processing_output(self, name: str) -> Path:
        """Return the folder of a processing output, created."""
        return _created(self.base / "processing" / "output" / name)

    def channel(self, name: str) -> Path:
        """Return the folder of a training channel."""
        return self.base / "input" / "data" / name

    @property
    def hyperparameters(self) -> Path:
        """The file with a training job's hyperparameters; every value is text."""
        return self.base / "input" / "config" / "hyperparameters.json"

    @property
    def model(self) -> Path:
        """The folder that SageMaker packs as a training job's model, created."""
        return _created(self.base / "model")

    @property
    def failures(self) -> tuple[Path, Path]:
        """The files whose content becomes a processing job's ExitMessage and a training job's FailureReason."""
        output = _created(self.base / "output")
        return output / "message", output / "failure"


def _created(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
