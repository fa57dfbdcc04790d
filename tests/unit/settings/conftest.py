from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import copyfile

import pytest

from stacks.errors import SettingsError
from stacks.settings import load_projects

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "pipelines" / "projects" / "flights" / "project.toml"


@pytest.fixture(name="shipped")
def _shipped() -> str:
    return SHIPPED.read_text("utf-8")


@pytest.fixture(name="write_project")
def _write_project(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str | bytes, *, folder: str = "flights", beside: Mapping[str, bytes] | None = None) -> Path:
        file = tmp_path / "pipelines" / "projects" / folder / "project.toml"
        file.parent.mkdir(parents=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        copyfile(SHIPPED.parent / "contract.json", file.parent / "contract.json")
        for name, content in (beside or {}).items():
            (file.parent / name).write_bytes(content)
        return tmp_path

    return write


@pytest.fixture(name="refusal")
def _refusal(write_project: Callable[..., Path]) -> Callable[..., str]:
    """What `load_projects` says about a file that it refuses."""

    def refuse(text: str | bytes, *, folder: str = "flights", beside: Mapping[str, bytes] | None = None) -> str:
        with pytest.raises(SettingsError) as caught:
            load_projects(write_project(text, folder=folder, beside=beside))
        return str(caught.value)

    return refuse
