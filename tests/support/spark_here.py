"""Whether this machine can run Spark, and the mark of tests that need it."""

from importlib.util import find_spec

import pytest

from sandbox.programs.smspark_submit import SubmitError, java_home


def what_is_missing() -> str | None:
    """Why this machine has no Spark; ``None`` when it has."""
    if find_spec("pyspark") is None:
        return "pyspark is not installed: `make test` installs it from requirements-spark.txt"
    try:
        java_home()
    except SubmitError as error:
        return str(error)
    return None


MISSING = what_is_missing()
needs_spark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
