"""Synth of one environment and of everything against the smallest application, without and with the validation."""

import json
import tempfile
from typing import Any

from benchmarks.measure import Contender, compare, tell

__all__ = ["run", "tell"]

_OFF = {"CDK_VALIDATION": "false"}
_ONE = {"CDK_CONTEXT_JSON": json.dumps({"project": "flights", "environment": "production"})}
_BUCKET = ["benchmarks/one_bucket.py"]


def run() -> list[dict[str, Any]]:
    """Measure `python app.py`: with a selection as for a deployment by hand, and without one as CI runs it."""
    with tempfile.TemporaryDirectory() as folder:
        bucket, whole = ({"CDK_OUTDIR": f"{folder}/{name}"} for name in ("bucket", "whole"))
        environment = {"CDK_OUTDIR": f"{folder}/environment"} | _ONE
        bare = compare(
            Contender("one bucket, no validation", _BUCKET, bucket | _OFF),
            Contender("one environment, no validation", ["app.py"], environment | _OFF),
            Contender("all projects, environments and pipelines, no validation", ["app.py"], whole | _OFF),
        )
        checked = compare(
            Contender("one bucket, validated", _BUCKET, bucket),
            Contender("one environment, validated and cdk-nag", ["app.py"], environment),
            Contender("all projects, environments and pipelines, validated and cdk-nag", ["app.py"], whole),
        )
        return bare + checked
