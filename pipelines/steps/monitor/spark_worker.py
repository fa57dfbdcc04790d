"""What a worker of the Spark cluster does with one capture file.

The image of the cluster has no pyarrow, so nothing that needs it may be imported before the wheels are in place.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.steps import vendored

if TYPE_CHECKING:
    from pipelines.steps.monitor.collect import Reference


@dataclass(frozen=True)
class Task:
    """What every worker is told, in plain values that travel.

    Attributes:
        wheels: folder with the wheels of the job, the same on every instance.
        variables: environment variables by which the AWS SDK finds region and role.
        bucket: of the capture.
        prefix: of the capture's keys.
        start: of the window, ISO 8601.
        end: of the window.
        baseline: ``baseline.json`` of the live version.
        version: the live version.
    """

    wheels: str
    variables: Mapping[str, str]
    bucket: str
    prefix: str
    start: str
    end: str
    baseline: str
    version: str

    def __call__(self, name: str) -> tuple[str, bytes]:
        """Read, decode and count one file; returns the counts as JSON and the answers as Parquet."""
        os.environ.update(self.variables)
        vendored.use(Path(self.wheels))
        from pipelines.steps import aws  # noqa: PLC0415  # see the module's docstring
        from pipelines.steps.monitor import collect, windows  # noqa: PLC0415  # the same
        from pipelines.steps.monitor.store import Store  # noqa: PLC0415  # the same

        store = Store(aws.client("s3"), self.bucket, self.prefix)
        window = windows.Window(windows.moment(self.start, name="start"), windows.moment(self.end, name="end"))
        reference = _reference(self.baseline, self.version)
        part = collect.count_file(store.read(name), name, window=window, reference=reference)
        return part.counts.as_text(), collect.pack(part.answers)


@lru_cache(maxsize=1)
def _reference(baseline: str, version: str) -> "Reference":
    from pipelines.steps.drift import baseline as baselines  # noqa: PLC0415  # see the module's docstring
    from pipelines.steps.monitor.collect import Reference  # noqa: PLC0415  # the same

    return Reference(baseline=baselines.parse(baseline), version=version)
