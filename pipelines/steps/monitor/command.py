"""From the arguments of a job to a run of the monitor."""

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.steps.drift import limits as settings
from pipelines.steps.failure import StepError
from pipelines.steps.monitor import publish, windows
from pipelines.steps.monitor.counting import Counting, MonitorArguments, Places
from pipelines.steps.monitor.store import Store

_URI = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<prefix>.+)")

Client = Callable[[str], Any]


@dataclass(frozen=True)
class Command:
    """What a job is started with, read.

    Attributes:
        arguments: what to judge, and by what.
        capture: URI of all data capture.
        runs: URI of the runs' outputs.
        ground_truth: URI of the labels.
        monitoring: URI of what the monitor keeps.
    """

    arguments: MonitorArguments
    capture: str
    runs: str
    ground_truth: str
    monitoring: str

    def places(self, client: Client) -> Places:
        """Return the stores, read with the job's role."""
        s3, endpoint = client("s3"), self.arguments.endpoint

        def store(uri: str) -> Store:
            where = _URI.fullmatch(uri)
            if where is None:
                raise StepError(f"{uri!r} is no S3 URI: expected s3://bucket/prefix")
            return Store(s3, where["bucket"], f"{where['prefix'].rstrip('/')}/")

        return Places(
            capture=store(f"{self.capture}/{endpoint}"),
            runs=store(self.runs),
            labels=store(self.ground_truth),
            monitoring=store(f"{self.monitoring}/{endpoint}"),
        )


def parse(
    *, project: str, environment: str, endpoint: str, until: str, metric: str, limits: str, ignore: str, **uris: str
) -> Command:
    """Read a job's arguments.

    Raises:
        StepError: one of them is not what it must be.
    """
    return Command(
        arguments=MonitorArguments(
            project=project,
            environment=environment,
            endpoint=endpoint,
            until=windows.moment(until, name="--until"),
            metric=metric,
            limits=settings.parse(limits, ignore=ignore),
        ),
        capture=uris["capture_uri"],
        runs=uris["runs_uri"],
        ground_truth=uris["ground_truth_uri"],
        monitoring=uris["monitoring_uri"],
    )


def monitor(command: Command, client: Client) -> None:
    """Judge what is pending, and report the newest window for people.

    Raises:
        StepError: what serves has no baseline, or something that is on record cannot be read.
    """
    from pipelines.steps.monitor.step import Monitor  # noqa: PLC0415  # the image that counts lacks what it needs
    from pipelines.steps.report import drift  # noqa: PLC0415  # the same

    cloudwatch = client("cloudwatch")
    counting = Counting.of_endpoint(command.arguments, command.places(client), client("sagemaker"))
    run = None if counting is None else Monitor(counting, cloudwatch)
    judged = [] if run is None else run.run()
    if run is None or not judged:
        print("nothing serves yet" if run is None else "every window that is over is judged")  # noqa: T201  # the job's log
        about = command.arguments
        publish.alive(about.project, about.environment, about.endpoint, at=about.until, cloudwatch=cloudwatch)
        return
    page = drift.build(judged[-1], run.history(judged)).encode()
    store = run.counting.places.monitoring
    for key in (f"reports/{judged[-1]['window']['start'][:13]}.html", "latest.html"):
        store.write(key, page, content_type="text/html; charset=utf-8")


def count(command: Command, client: Client, *, wheels: Path) -> None:
    """Count the windows that a judgement will need, on a Spark cluster.

    Args:
        command: what the job was started with.
        client: makes AWS clients.
        wheels: folder with the wheels that the cluster's image lacks.

    Raises:
        StepError: the Spark application failed, or what serves has no baseline.
    """
    from pipelines.steps.monitor import spark  # noqa: PLC0415  # only this engine needs it

    if not spark.is_inside():
        spark.submit(sys.argv[1:])
        return
    session = spark.session()
    collector = spark.collector(session, os.environ, wheels=str(wheels))
    counting = Counting.of_endpoint(command.arguments, command.places(client), client("sagemaker"), collector=collector)
    pending = 0 if counting is None else counting.count_ahead()
    print(f"counted what {pending} pending windows need")  # noqa: T201  # the job's log
    session.stop()
