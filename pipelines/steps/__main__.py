"""Entry point of every job: ``python -m pipelines.steps <step> --project <name> ...``.

Each step's modules are imported when it runs, so that Validate does not wait for XGBoost.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from pipelines.steps.failure import StepError, exit_message
from pipelines.steps.paths import Paths


class _Parser(argparse.ArgumentParser):
    """Refuses wrong arguments the way every other failure is refused, so that SageMaker is told."""

    def error(self, message: str) -> NoReturn:
        raise StepError(f"{self.prog}: {message}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; returns the exit code, and leaves the reason of a failure where SageMaker reads it."""
    paths = Paths.from_environment()
    try:
        options = vars(_parser().parse_args(arguments))
        step: Callable[..., None] = options.pop("run")
        step(paths, **options)
    except StepError as error:
        reason = exit_message(str(error))
    except Exception as error:  # noqa: BLE001  # whatever it is, SageMaker must be told before the process ends
        traceback.print_exc()
        reason = exit_message(f"unexpected {type(error).__name__}: {error}")
    else:
        return 0
    for file in paths.failures:
        file.write_text(reason, "utf-8")
    print(f"error: {reason}", file=sys.stderr)  # noqa: T201  # the job's log
    return 1


def _validate(paths: Paths, *, limits: str, **options: str) -> None:
    from pipelines.steps import validate  # noqa: PLC0415  # see the module's docstring
    from pipelines.steps.quality.limits import parse  # noqa: PLC0415  # the same
    from pipelines.steps.snapshot import SnapshotReader  # noqa: PLC0415  # the same

    validate.run(validate.ValidateArguments(limits=parse(limits), **options), paths, SnapshotReader())


def _prepare(paths: Paths, *, holdout_days: int, **options: str) -> None:
    from pipelines.steps import prepare  # noqa: PLC0415  # see the module's docstring
    from pipelines.steps.snapshot import SnapshotReader  # noqa: PLC0415  # the same

    prepare.run(prepare.PrepareArguments(holdout_days=holdout_days, **options), paths, SnapshotReader())


def _train(paths: Paths, **options: str) -> None:
    _yield_while_waiting()
    from pipelines.steps import train  # noqa: PLC0415  # see the module's docstring

    train.run(train.TrainArguments(**options), paths)


def _evaluate(paths: Paths, *, project: str, target: str, time_column: str, champion: str, **gate: Any) -> None:
    _yield_while_waiting()
    from pipelines.steps import evaluate, report  # noqa: PLC0415  # see the module's docstring
    from pipelines.steps.gate import rules  # noqa: PLC0415  # the same

    arguments = evaluate.EvaluateArguments(
        project=project,
        target=target,
        time_column=time_column,
        champion=champion,
        rules=rules.parse(**gate),
        run=report.Run.from_environment(os.environ),
    )
    evaluate.run(arguments, paths)


def _monitor(_: Paths, **options: Any) -> None:
    from pipelines.steps import aws  # noqa: PLC0415  # see the module's docstring
    from pipelines.steps.monitor import command  # noqa: PLC0415  # the same

    command.monitor(command.parse(**options), aws.client)


def _count(paths: Paths, **options: Any) -> None:
    from pipelines.steps import aws, vendored  # noqa: PLC0415  # see the module's docstring

    wheels = paths.processing_input("wheels")
    vendored.use(wheels)
    from pipelines.steps.monitor import command  # noqa: PLC0415  # the same, and the wheels come first

    command.count(command.parse(**options), aws.client, wheels=wheels)


def _yield_while_waiting() -> None:
    """Let OpenMP's threads sleep while they wait for each other; read once, when the library is loaded.

    They spin by default. Measured with one other busy process on two cores: 300 rounds took 9 to 32 s spinning and
    3 s sleeping. On an idle machine it is 2 s against 3 s.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m pipelines.steps", description=(__doc__ or "").splitlines()[0])
    steps = parser.add_subparsers(required=True, metavar="step")

    def step(name: str, run: Callable[..., None], *texts: str) -> argparse.ArgumentParser:
        added = steps.add_parser(name)
        for text in ("--project", *texts):
            added.add_argument(text, required=True)
        added.set_defaults(run=run)
        return added

    snapshot = ("--snapshot-uri", "--snapshot-id", "--target", "--time-column")
    step("validate", _validate, *snapshot, "--run-id", "--champion", "--runs-uri", "--limits")
    step("prepare", _prepare, *snapshot).add_argument("--holdout-days", type=int, required=True)
    step("train", _train, "--target", "--time-column", "--snapshot-id")
    judging = ("--task", "--metric", "--direction", "--unit", "--guards", "--slices")
    evaluate = step("evaluate", _evaluate, "--target", "--time-column", "--champion", *judging)
    for number in ("--margin", "--alpha", "--min-improvement-over-naive"):
        evaluate.add_argument(number, type=float, required=True)
    evaluate.add_argument("--min-clusters", type=int, required=True)
    places = ("--capture-uri", "--runs-uri", "--ground-truth-uri", "--monitoring-uri")
    watching = ("--environment", "--endpoint", "--until", "--metric", "--limits", "--ignore", *places)
    step("monitor", _monitor, *watching)
    step("count", _count, *watching)
    return parser


if __name__ == "__main__":
    sys.exit(main())
