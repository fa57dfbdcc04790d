"""The container images that the sandbox can run, as the packages that they hold.

The default is AWS's XGBoost 3.2-0 image (page "Use XGBoost with Amazon SageMaker AI"; the image's requirements stand in
the repository aws/sagemaker-xgboost-container).
"""

import re
from dataclasses import dataclass
from pathlib import Path

from sandbox.packages import closure, link_directory
from sandbox.sagemaker.platform import UnknownImageError


@dataclass(frozen=True)
class Image:
    """An image by the end of its URI, after the registry's host name."""

    title: str
    pattern: re.Pattern[str]
    packages: tuple[str, ...]


IMAGES = (
    Image(
        title="sagemaker-xgboost:3.2-0",
        pattern=re.compile(r"sagemaker-xgboost:3\.2-0(-[a-z0-9-]+)?"),
        packages=("boto3", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "xgboost-cpu"),
    ),
)


def image_directory(parent: Path, uri: str) -> Path:
    """The directory with the packages of the image that `uri` names.

    Raises:
        UnknownImageError: when the sandbox has no such image.
    """
    name = uri.rsplit("/", 1)[-1]
    for image in IMAGES:
        if image.pattern.fullmatch(name):
            return link_directory(parent, closure(image.packages))
    known = ", ".join(image.title for image in IMAGES)
    raise UnknownImageError(
        f"The sandbox cannot run the image {uri!r}. It knows {known}; add the image and its packages to IMAGES in "
        "sandbox/images.py."
    )
