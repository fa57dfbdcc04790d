"""The private directory of a job: `ml/` stands for `/opt/ml`, next to it an empty working directory and `tmp/`."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.sagemaker.isolation import localized
from sandbox.sagemaker.protocol.codec import json_default

_MAX_MESSAGE = 1024


class Workspace:
    """The files of one job."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.base = root / "ml"
        self.directory = root / "cwd"
        for path in (self.base, self.directory, root / "tmp"):
            path.mkdir(parents=True, exist_ok=True)

    def local(self, container_path: str) -> Path:
        """The directory here that stands for an absolute path under `/opt/ml`."""
        return Path(localized(container_path, self.base))

    def make(self, *names: str) -> Path:
        """Create a directory under `/opt/ml`."""
        path = self.base.joinpath(*names)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def write_config(self, *names: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file under `/opt/ml`, with the paths of this directory in it."""
        path = self.base.joinpath(*names)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(localized(json.dumps(content, default=json_default), self.base), encoding="utf-8")

    def message(self, name: str) -> str | None:
        """What the process left in `/opt/ml/output/<name>`: at most 1,024 characters, None when nothing."""
        path = self.base / "output" / name
        if not path.is_file():
            return None
        return path.read_text(encoding="utf-8", errors="replace").strip()[:_MAX_MESSAGE] or None

    def remove(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.root, ignore_errors=True)
