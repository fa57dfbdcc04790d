"""Counts windows on a Spark cluster: every worker reads and decodes files of its own with the code of the other engine.

Capture files are spread over the workers by their keys, because a record is only understood with the file around it (a
truncated last line). What comes back of a file is what it was counted to, and the answers for the labels.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pipelines.steps.failure import StepError
from pipelines.steps.monitor import collect
from pipelines.steps.monitor.collect import Part, Reference
from pipelines.steps.monitor.spark_worker import Task
from pipelines.steps.monitor.store import Store
from pipelines.steps.monitor.windows import Window

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SUBMIT = "smspark-submit"
_INSIDE = "TANDEM_SPARK_DRIVER"
_DRIVER = """import os, sys
os.environ["{inside}"] = "1"
from pipelines.steps.__main__ import main
sys.exit(main())
"""


def is_inside() -> bool:
    """Whether this process is the driver of a Spark application."""
    return _INSIDE in os.environ


def submit(arguments: Sequence[str]) -> None:
    """Run the step again as the driver of a Spark application, on the cluster that the job's instances form.

    The image's ``smspark-submit`` starts the cluster (repository aws/sagemaker-spark-container, ``smspark.cli``). It
    takes a file, so two lines that start the step are written beside the code bundle, which goes to every worker.

    Args:
        arguments: of the step, as the job was started with them.

    Raises:
        StepError: the application failed, or this image has no Spark.
    """
    program = shutil.which(SUBMIT)
    if program is None:
        raise StepError(f"this image has no {SUBMIT}: engine spark needs AWS's SageMaker Spark image")
    with TemporaryDirectory(prefix="spark-") as folder:
        driver = Path(folder) / "driver.py"
        driver.write_text(_DRIVER.format(inside=_INSIDE), "utf-8")
        bundle = os.environ.get("PYTHONPATH", "").split(os.pathsep)[0]
        finished = subprocess.run([program, "--py-files", bundle, str(driver), *arguments], check=False)
    if finished.returncode:
        raise StepError(f"the Spark application ended with exit code {finished.returncode}; its log says why")


def session() -> "SparkSession":
    """Return the application's session."""
    from pyspark.sql import SparkSession  # noqa: PLC0415  # only this engine's image has it

    return SparkSession.builder.appName("tandem-monitor").getOrCreate()


def collector(spark: "SparkSession", environment: Mapping[str, str], *, wheels: str) -> collect.Collector:
    """Return what counts a window on the cluster.

    Args:
        spark: the session.
        environment: variables of the driver; those of AWS go to the workers, which find region and role by them.
        wheels: folder with the wheels of the job, the same on every instance.
    """
    variables = {name: value for name, value in environment.items() if name.startswith("AWS_")}

    def count(window: Window, store: Store, reference: Reference, *, names: Sequence[str]) -> Part:
        if not names:
            return collect.merged((), reference)
        task = Task(
            wheels=wheels,
            variables=variables,
            bucket=store.bucket,
            prefix=store.prefix,
            start=window.start.isoformat(),
            end=window.end.isoformat(),
            baseline=reference.baseline.as_text(),
            version=reference.version,
        )
        context = spark.sparkContext
        partitions = min(len(names), 4 * context.defaultParallelism)
        counted = context.parallelize(names, partitions).map(task).collect()
        parts = (Part(collect.parse_text(text), collect.unpack(bytes(answers))) for text, answers in counted)
        return collect.merged(parts, reference)

    return count
