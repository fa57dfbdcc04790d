"""The floor of captured records: the standard library, record by record."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contest import Answer, Job


def solve(job: Job) -> Answer:
    """Decode every record and its request, and drop them."""
    return Answer(rows=sum(1 for file in job.current_files() for _ in instances(file)))


def instances(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the instances of a file of captured records."""
    with file.open("rb") as lines:
        for line in lines:
            request = json.loads(line)["captureData"]["endpointInput"]["data"]
            yield from json.loads(request)["instances"]
