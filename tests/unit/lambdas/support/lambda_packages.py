"""A folder with exactly the packages that Lambda gives a function: the runtime's boto3 and the Powertools layer."""

import sysconfig
from pathlib import Path

RUNTIME = ("boto3", "botocore", "jmespath", "s3transfer", "urllib3", "dateutil", "six.py")
LAYER = (
    "aws_lambda_powertools",
    "aws_xray_sdk",
    "wrapt",
    "pydantic",
    "pydantic_core",
    "pydantic_settings",
    "annotated_types",
    "typing_extensions.py",
    "typing_inspection",
    "dotenv",
    "fastjsonschema",
    "jsonpath_ng",
    "ply",
)


def assemble(folder: Path) -> Path:
    """Link those packages that are installed here into a folder and return it."""
    installed = Path(sysconfig.get_paths()["purelib"])
    for name in (*RUNTIME, *LAYER):
        if (installed / name).exists():
            (folder / name).symlink_to(installed / name)
            # Distributions look up their own version.
            for metadata in installed.glob(f"{name.removesuffix('.py')}-*.dist-info"):
                (folder / metadata.name).symlink_to(metadata)
    return folder
