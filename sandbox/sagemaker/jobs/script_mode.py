"""Script mode: how AWS's framework images run a user's script when the job names no entry point.

The hyperparameters `sagemaker_program` and `sagemaker_submit_directory` (JSON strings) name the script and its
archive; the other hyperparameters become arguments. Variables: the page of sagemaker-training-toolkit,
"ENVIRONMENT_VARIABLES".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.sagemaker.archive import unpack
from sandbox.sagemaker.instances import Instance
from sandbox.sagemaker.jobs.errors import JobError
from sandbox.sagemaker.jobs.workspace import Workspace
from sandbox.sagemaker.storage import Storage

_PREFIX = "sagemaker_"


@dataclass(frozen=True)
class Script:
    """The command of a script and the variables that the toolkit sets for it."""

    argv: Sequence[str]
    environment: Mapping[str, str]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def prepare(
    workspace: Workspace, hyperparameters: Mapping[str, str], *, instance: Instance, storage: Storage
) -> Script:
    """Fetch the script's archive and say how to run it.

    Raises:
        JobError: when the hyperparameters name no script.
    """
    values = {name: _value(text) for name, text in hyperparameters.items()}
    program, source = values.get("sagemaker_program"), values.get("sagemaker_submit_directory")
    if not program or not source:
        raise JobError(
            "the sandbox runs no image's own entry point: give ContainerEntrypoint, or the hyperparameters "
            "sagemaker_program and sagemaker_submit_directory"
        )
    code = workspace.make("code")
    if str(source).startswith("s3://"):
        archive = workspace.root / "sourcedir.tar.gz"
        storage.download_file(source, archive)
        unpack(archive, code)
    else:
        code = workspace.local(source)
    own = {name: value for name, value in values.items() if not name.startswith(_PREFIX)}
    arguments = [word for name, value in own.items() for word in (f"--{name}", _argument(value))]
    return Script(
        argv=["python3", str(code / program), *arguments],
        environment=_variables(workspace, own, instance=instance, program=program, code=code),
    )


def _argument(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _variables(
    workspace: Workspace, hyperparameters: Mapping[str, Any], *, instance: Instance, program: str, code: Path
) -> dict[str, str]:
    channels = sorted(path.name for path in workspace.make("input", "data").iterdir() if path.is_dir())
    return {
        "PYTHONPATH": str(code),
        "SM_MODEL_DIR": str(workspace.base / "model"),
        "SM_OUTPUT_DIR": str(workspace.base / "output"),
        "SM_OUTPUT_DATA_DIR": str(workspace.base / "output" / "data"),
        "SM_INPUT_DIR": str(workspace.base / "input"),
        "SM_CHANNELS": json.dumps(channels),
        "SM_HPS": json.dumps(hyperparameters),
        "SM_HOSTS": json.dumps(["algo-1"]),
        "SM_CURRENT_HOST": "algo-1",
        "SM_NUM_CPUS": str(instance.threads),
        "SM_NUM_GPUS": "0",
        "SM_MODULE_NAME": Path(program).stem,
        **{f"SM_CHANNEL_{name.upper()}": str(workspace.base / "input" / "data" / name) for name in channels},
        **{f"SM_HP_{name.upper().replace('-', '_')}": _argument(value) for name, value in hyperparameters.items()},
    }
