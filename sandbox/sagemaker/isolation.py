"""The Python of jobs and model servers: it sees the standard library, the image's packages and the user's code.

The server's own packages must stay out of sight, or a package that the image lacks goes unnoticed until AWS. So
processes run the interpreter of an empty virtual environment, which whatever they start by `python3` or by
`sys.executable` runs too; the image's packages come in by `PYTHONPATH`.
"""

import os
import re
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.sagemaker.platform import Platform

_OPT_ML = re.compile(r"(?<![\w./-])/opt/ml(?![\w-])")
_PYTHON = re.compile(r"(?:/\w[\w./-]*/)?python(?:3(?:\.\d+)?)?")


def create_python(work_dir: Path) -> None:
    """Make the empty virtual environment; to be called once, before `python` is used."""
    venv.EnvBuilder(with_pip=False, symlinks=True).create(work_dir / "python")


def python(work_dir: Path) -> Path:
    """The isolated interpreter."""
    return work_dir / "python" / "bin" / "python3"


def localized(text: str, base: Path) -> str:
    """Replace the prefix `/opt/ml` by the directory that stands for it."""
    return _OPT_ML.sub(str(base), text)


def command(argv: Sequence[str], base: Path, *, work_dir: Path) -> list[str]:
    """The command of a container with the sandbox's paths and, where it says python, the isolated interpreter."""
    local = [localized(word, base) for word in argv]
    return [str(python(work_dir)), *local[1:]] if _PYTHON.fullmatch(local[0]) else local


def environment(
    platform: Platform,
    *,
    base: Path,
    image: Sequence[Path],
    role_arn: str,
    threads: int,
    isolated: bool,
    own: Mapping[str, str],
) -> dict[str, str]:
    """The environment of a container: nothing of the server's own gets through.

    Args:
        platform: where region, endpoint and credentials come from.
        base: the directory that stands for `/opt/ml`.
        image: the path entries that the image gives.
        role_arn: the role whose credentials the container gets.
        threads: the number of threads of numerical libraries.
        isolated: whether the network is off (EnableNetworkIsolation): then AWS cannot be reached, as on AWS.
        own: the variables of the job or the model; they win, and their `PYTHONPATH` comes before the image's.
    """
    local = {name: localized(value, base) for name, value in own.items()}
    aws = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9" if isolated else platform.endpoint_url,
        **{
            name: value
            for name, value in platform.credentials(role_arn).items()
            if not (isolated and name.startswith("AWS_"))
        },
    }
    own_path = [local["PYTHONPATH"]] if local.get("PYTHONPATH") else []
    programs = [str(entry / "bin") for entry in image if (entry / "bin").is_dir()]
    return {
        "PATH": os.pathsep.join(
            [*programs, str(python(platform.work_dir).parent), "/usr/local/bin", "/usr/bin", "/bin"]
        ),
        "HOME": str(base.parent),
        "TMPDIR": str(base.parent / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_REGION": platform.region,
        "AWS_DEFAULT_REGION": platform.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAGEMAKER_BASE_DIR": str(base),
        "OMP_NUM_THREADS": str(threads),
        **aws,
        **local,
        "PYTHONPATH": os.pathsep.join([*own_path, *(str(entry) for entry in image)]),
    }
