"""Scores rows with the model of an archive: ``python -m pipelines.steps.score MODEL_FOLDER ROWS SCORES``.

A later run asks this of the archive's own code when the archive is the champion, because features may have changed
since. So the command line is a contract: it must stay as it is, or no older champion can be judged.

``ROWS`` is a Parquet file that holds the columns of the archive's contract in their canonical types; ``SCORES`` becomes
one double per row in numpy's format.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from pipelines.steps import artifact
from pipelines.steps.failure import StepError

_ARGUMENTS = 3


def score(folder: Path, rows: Path, scores: Path) -> None:
    """Predict every row.

    Raises:
        StepError: when the model cannot be loaded here, or a column that it wants is missing.
    """
    loaded = artifact.read(folder)
    wanted = [field.name for field in loaded.contract.inputs]
    missing = sorted(set(wanted) - set(pq.read_schema(rows).names))
    if missing:
        raise StepError(
            f"its contract {loaded.contract.version} wants column {missing[0]!r}, which the rows do not have"
        )
    predictions = np.asarray(loaded.model.predict(pq.read_table(rows, columns=wanted)), dtype=np.float64)
    np.save(scores, predictions, allow_pickle=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code and says on the last line of stderr what went wrong."""
    paths = [Path(argument) for argument in (sys.argv[1:] if arguments is None else arguments)]
    if len(paths) != _ARGUMENTS:
        print("usage: python -m pipelines.steps.score MODEL_FOLDER ROWS SCORES", file=sys.stderr)  # noqa: T201  # the job's log
        return 2
    try:
        score(*paths)
    except StepError as error:
        print(" ".join(str(error).split()), file=sys.stderr)  # noqa: T201  # the same
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
