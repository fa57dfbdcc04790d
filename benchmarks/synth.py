"""Synth of the whole application against the smallest possible one, without and with the template validation."""

import tempfile
from typing import Any

from benchmarks.measure import Contender, compare, tell

__all__ = ["run", "tell"]

_OFF = {"CDK_VALIDATION": "false"}


def run() -> list[dict[str, Any]]:
    """Measure `python app.py`, every environment of every project, against one bucket."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as whole:
        bucket, app = {"CDK_OUTDIR": one}, {"CDK_OUTDIR": whole}
        bare = compare(
            Contender("one bucket, no validation", ["benchmarks/one_bucket.py"], bucket | _OFF),
            Contender("all projects and environments, no validation", ["app.py"], app | _OFF),
        )
        checked = compare(
            Contender("one bucket, validated", ["benchmarks/one_bucket.py"], bucket),
            Contender("all projects and environments, validated and cdk-nag", ["app.py"], app),
        )
        return bare + checked
