"""Synth of the whole application against the smallest possible one, both without the template validation."""

import tempfile
from typing import Any

from benchmarks.measure import Contender, compare


def run() -> list[dict[str, Any]]:
    """Measure `python app.py`, every environment of every project, against one bucket."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as all_of_it:
        floor = Contender("one bucket", ["benchmarks/one_bucket.py"], {"CDK_OUTDIR": one, "CDK_VALIDATION": "false"})
        tandem = Contender("tandem, all environments", ["app.py"], {"CDK_OUTDIR": all_of_it, "CDK_VALIDATION": "false"})
        checked = Contender("tandem, with validation and cdk-nag", ["app.py"], {"CDK_OUTDIR": all_of_it})
        return compare(floor, tandem, checked)
