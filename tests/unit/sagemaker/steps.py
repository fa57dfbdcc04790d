"""Steps that several tests of pipelines run."""

from typing import Any

WRITE = """
import os, pathlib, sys
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "processing/out")
(base / "result.json").write_text(sys.argv[1])
"""


def fail_step(message: str) -> dict[str, Any]:
    return {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": message}}
