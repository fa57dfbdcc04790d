#!/usr/bin/env python3
"""`smspark-submit` of AWS's Spark image: runs a Spark application, here on this machine instead of on a cluster.

Options and errors: `smspark.cli` and `smspark.errors` in the repository aws/sagemaker-spark-container, which start YARN
on the job's instances and hand the application to `spark-submit`.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

_JAVA_VERSION = 17
_MESSAGE_LENGTH = 1024
_LISTS = ("jars", "py_files", "files")
# What a cluster does not need and one machine does.
_LOCAL = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
}


class SubmitError(Exception):
    """The application cannot be started or has failed; the message says why."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SubmitError(f"Couldn't parse input.: {message}")


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line: options first, then the application and whatever it is started with.

    Raises:
        SubmitError: for an option that there is not, or without an application.
    """
    parser = _Parser(prog="smspark-submit", add_help=False, allow_abbrev=False)
    parser.add_argument("--class", dest="class_")
    for name in ("--jars", "--py-files", "--files", "--spark-event-logs-s3-uri", "--local-spark-event-logs-dir"):
        parser.add_argument(name)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("app")
    parser.add_argument("app_arguments", nargs=argparse.REMAINDER)
    return parser.parse_args(words)


def spark_submit(given: argparse.Namespace, *, home: Path, threads: int, scratch: Path) -> list[str]:
    """The command of Spark that runs the application.

    Args:
        given: the parsed command line.
        home: where Spark is.
        threads: how many of its workers run at a time.
        scratch: for what Spark writes meanwhile.

    Raises:
        SubmitError: when a file that is named does not exist.
    """
    command = [str(home / "bin" / "spark-submit"), "--master", f"local[{threads}]", "--deploy-mode", "client"]
    settings = {**_LOCAL, "spark.local.dir": str(scratch), "spark.sql.warehouse.dir": str(scratch / "warehouse")}
    if given.local_spark_event_logs_dir:
        settings |= {"spark.eventLog.enabled": "true", "spark.eventLog.dir": given.local_spark_event_logs_dir}
    for name, value in settings.items():
        command += ["--conf", f"{name}={value}"]
    if given.class_:
        command += ["--class", given.class_]
    for name in _LISTS:
        if getattr(given, name):
            command += [f"--{name.replace('_', '-')}", ",".join(_expanded(getattr(given, name)))]
    if given.verbose:
        command.append("--verbose")
    return [*command, given.app, *given.app_arguments]


def _expanded(paths: str) -> Iterator[str]:
    """Each file of a list, and of a folder in it all its files."""
    for path in paths.split(","):
        if path.startswith(("s3:", "s3a:")):
            yield path
            continue
        local = Path(path.removeprefix("file://"))
        if not local.is_absolute():
            raise SubmitError(f"file path {local} must be an absolute path to a file or directory")
        if not local.exists():
            raise SubmitError(f"file path {local} does not exist")
        if local.is_file():
            yield str(local)
            continue
        files = sorted(str(file) for file in local.iterdir() if file.is_file())
        if not files:
            raise SubmitError(f"Found zero files in {local}")
        yield from files


def java_home() -> Path:
    """Where this machine's Java of the image's version is.

    Raises:
        SubmitError: when it has none.
    """
    found = shutil.which("java")
    candidates = [*([Path(found).resolve().parents[1]] if found else []), *sorted(Path("/usr/lib/jvm").glob("*"))]
    for home in candidates:
        program = home / "bin" / "java"
        if not program.is_file():
            continue
        told = subprocess.run([str(program), "-version"], capture_output=True, text=True, check=False).stderr
        if (match := re.search(r'version "(\d+)', told)) and int(match[1]) == _JAVA_VERSION:
            return home
    raise SubmitError(f"Spark needs Java {_JAVA_VERSION}, and this machine has none: install a JRE of that version")


def _home() -> Path:
    try:
        import pyspark  # noqa: PLC0415 - the error has to say what is missing
    except ImportError as error:
        raise SubmitError(f"the image holds no Spark: {error}") from error
    return Path(str(pyspark.__file__)).resolve().parent


def run(words: Sequence[str]) -> None:
    """Run the application and return when it is done.

    Raises:
        SubmitError: when it cannot be started or fails.
    """
    given = parse(words)
    if given.spark_event_logs_s3_uri:
        raise SubmitError("the sandbox publishes no Spark event logs to S3: leave out --spark-event-logs-s3-uri")
    home = _home()
    threads = max(1, min(os.cpu_count() or 1, int(os.environ.get("OMP_NUM_THREADS") or 1)))
    scratch = Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - the container's own
    command = spark_submit(given, home=home, threads=threads, scratch=scratch)
    environment = {
        **os.environ,
        "JAVA_HOME": str(java_home()),
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYSPARK_PYTHON": sys.executable,
        # As the image has it: the hashes of all workers have to agree.
        "PYTHONHASHSEED": "0",
        "SPARK_HOME": str(home),
    }
    code = subprocess.run(command, env=environment, check=False).returncode
    if code:
        raise SubmitError(f"spark failed with a non-zero exit code: {code}", exit_code=code if code > 0 else 1)


def main() -> int:
    """Run `smspark-submit`; a failure is left where SageMaker looks for the reason of one."""
    try:
        run(sys.argv[1:])
    except SubmitError as error:
        text = f"Algorithm Error: {error}"[:_MESSAGE_LENGTH]
        sys.stderr.write(text + "\n")
        message = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")) / "output" / "message"
        message.parent.mkdir(parents=True, exist_ok=True)
        message.write_text(text, "utf-8")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
