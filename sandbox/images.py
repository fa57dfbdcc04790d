"""The container images that the sandbox can run, as the packages and programs that they hold.

The default is AWS's XGBoost 3.2-0 image (page "Use XGBoost with Amazon SageMaker AI"; the image's requirements stand in
the repository aws/sagemaker-xgboost-container). The other one is AWS's Spark image (repository
aws/sagemaker-spark-container), with one difference: it holds pyarrow here, which jobs bring along there, because a
wheel for the image's Python does not fit this one's.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sandbox.packages import closure, link_directory, program_directory
from sandbox.sagemaker.platform import UnknownImageError

_PROGRAMS = Path(__file__).resolve().parent / "programs"


@dataclass(frozen=True)
class Image:
    """An image by the end of its URI, after the registry's host name.

    Attributes:
        title: how people know it.
        pattern: what the end of its URI looks like.
        packages: the packages that it holds, with what they require.
        programs: the programs that it brings along, by name; files in `sandbox/programs`.
    """

    title: str
    pattern: re.Pattern[str]
    packages: tuple[str, ...]
    programs: tuple[tuple[str, str], ...] = ()


IMAGES = (
    Image(
        title="sagemaker-xgboost:3.2-0",
        pattern=re.compile(r"sagemaker-xgboost:3\.2-0(-[a-z0-9-]+)?"),
        packages=("boto3", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "xgboost-cpu"),
    ),
    Image(
        title="sagemaker-spark-processing:3.5-cpu-py312-v1",
        pattern=re.compile(r"sagemaker-spark-processing:3\.5-cpu-py312-v1(\.\d+)?"),
        packages=("boto3", "numpy", "pandas", "pyarrow", "pyspark"),
        programs=(("smspark-submit", "smspark_submit.py"),),
    ),
)


@cache
def image_entries(parent: Path, uri: str) -> list[Path]:
    """What a container of the image that `uri` names has: a directory of packages, and one with a `bin` of programs.

    Raises:
        UnknownImageError: when the sandbox has no such image.
        SandboxError: when a package of the image is not installed.
    """
    name = uri.rsplit("/", 1)[-1]
    for image in IMAGES:
        if image.pattern.fullmatch(name):
            entries = [link_directory(parent, closure(image.packages))]
            if image.programs:
                entries.append(program_directory(parent, {key: _PROGRAMS / file for key, file in image.programs}))
            return entries
    known = ", ".join(image.title for image in IMAGES)
    raise UnknownImageError(
        f"The sandbox cannot run the image {uri!r}. It knows {known}; add the image and its packages to IMAGES in "
        "sandbox/images.py."
    )
