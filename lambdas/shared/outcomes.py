"""What people are told about a run that has ended: what happened, the figures, and what to do now."""

from collections.abc import Iterator

from lambdas.shared.evaluation import CHAMPION_UNREADABLE
from lambdas.shared.notifications import Notifier
from lambdas.shared.records import Run, RunStatus

_UNTOUCHED = "The live model is untouched."


def tell(notifier: Notifier, run: Run) -> None:
    """Send the message about a closed run."""
    headline, text, action = _words(run)
    facts = {
        "run": run.run_id,
        "reason": run.reason,
        "snapshot": run.snapshot_id,
        "execution": run.execution_arn,
        "version": run.version,
        **dict(_figures(run)),
        "report": run.report_uri,
    }
    notifier.tell(headline, text=text, facts=facts, action=action + _how_to_read(run.report_uri))


def _words(run: Run) -> tuple[str, str, str]:
    """Return headline, text and action."""
    reason = run.gate_reason or "it gave no reason"
    match run.status:
        case RunStatus.PROMOTED if run.parameters.get("ApprovalStatus") == "Approved":
            headline = f"Training promoted version {run.version}"
            text = "The challenger passed the gate and was registered as approved; its deployment starts by itself."
            return headline, f"{text} The gate: {reason}.", "nothing; another message follows when the version serves."
        case RunStatus.PROMOTED:
            headline = f"Version {run.version} waits for approval"
            text = "The challenger passed the gate and was registered; this environment is set to manual approval."
            action = f"review the figures and approve or reject model package {run.package_arn}."
            return headline, f"{text} The gate: {reason}.", action
        case RunStatus.KEPT_CHAMPION:
            text = f"The challenger did not pass the gate: {reason}."
            return "Training kept the champion", text, "nothing; the live model stays as it is."
        case RunStatus.REJECTED_DATA:
            text = f"The validation refused the snapshot. {run.failure}"
            action = "correct the named objects and upload them again; that starts a new run."
            return "Data refused, nothing was trained", text, f"{action} {_UNTOUCHED}"
        case _:
            return _words_of_a_failure(run)


def _words_of_a_failure(run: Run) -> tuple[str, str, str]:
    if run.gate_rule == CHAMPION_UNREADABLE and not run.abandoned:
        headline = "The champion could not be judged"
        text = "A challenger was trained, but the live model could not be scored, so nothing was promoted."
        action = "repair what the reason names, then request a run again: without a comparison none can pass."
    elif run.abandoned:
        headline = "Training failed, and its execution does not stop"
        text = "Nobody waits for this run any longer, and the next one may start."
        action = (
            f"stop what still runs under execution {run.execution_arn}, or ask AWS support to: it costs money until "
            "then (docs/runbooks/run-watch.md)."
        )
    else:
        headline, text = "Training failed", "The run ended without a model."
        action = (
            "read the failing step's log (link in the execution), remove the cause and request a run again "
            "(docs/operating.md, asking for a training run)."
        )
    return headline, f"{text} {run.failure}", f"{action} {_UNTOUCHED}"


def _figures(run: Run) -> Iterator[tuple[str, str]]:
    """Yield one line per metric: the challenger, and on the same rows the champion and the naive predictor."""
    for name, value in run.metrics.items():
        others = [
            f"{who} {figures[name]:.6g}"
            for who, figures in (("champion", run.champion_metrics), ("naive", run.naive_metrics))
            if name in figures
        ]
        beside = f" ({', '.join(others)})" if others else ""
        yield f"metric {name}", f"challenger {value:.6g}{beside}"
    if run.improvement is not None:
        bound = f", lower bound {run.lower_bound:+.2%}" if run.lower_bound is not None else ""
        yield "improvement", f"{run.improvement:+.2%}{bound}"


def _how_to_read(report_uri: str | None) -> str:
    return f" The report: aws s3 cp {report_uri} ." if report_uri else ""
