"""The page of an evaluation, from the verdict down to where everything came from."""

from collections.abc import Mapping
from typing import Any

from pipelines.steps.profile import Profile
from pipelines.steps.report import changes, frame, sections
from pipelines.steps.report.evaluation import Evaluation
from pipelines.steps.report.markup import Markup, element, harmless
from pipelines.steps.report.provenance import Provenance, pairs
from pipelines.steps.report.scores import Scores


def build(
    evaluation: Evaluation,
    *,
    provenance: Provenance,
    rows: Scores | None,
    validation: Mapping[str, Any],
    preparation: Mapping[str, Any],
    profiles: tuple[Profile | None, Profile | None],
) -> str:
    """Return the page as HTML.

    Args:
        evaluation: what the gate decided.
        provenance: of the challenger.
        rows: the judged rows; None when nothing was scored.
        validation: ``validation.json``, may be empty.
        preparation: ``prepare.json``, may be empty.
        profiles: of the challenger's training rows and of the champion's; without both, nothing is said of changes.
    """
    name = harmless(evaluation.project)
    about = harmless(provenance.run.description)
    decision = "promoted" if evaluation.promote else "kept out"
    return frame.document(
        f"{name} {harmless(provenance.run.run_id)}: {decision}",
        element(
            "header",
            element("p", f"Evaluation report · run {harmless(provenance.run.run_id)}"),
            element("h1", f"{name}: {about}" if about else name),
        ),
        sections.verdict(evaluation),
        sections.facts(evaluation),
        sections.performance(evaluation, rows),
        None if rows is None else sections.behaviour(evaluation, rows),
        sections.checks(evaluation),
        changes.since_champion(*profiles),
        sections.data(evaluation, validation, preparation),
        _provenance(evaluation, provenance),
    )


def _provenance(evaluation: Evaluation, found: Provenance) -> Markup:
    champion, run, training = evaluation.champion, found.run, found.training
    entries: list[tuple[str, object]] = [
        ("run", run.run_id),
        ("reason of the run", run.reason),
        ("outputs of the run", run.run_uri),
        ("snapshot", evaluation.snapshot_id),
        ("trained until", training.trained_until),
        ("code version", run.code_version),
        ("code bundle", run.code_bundle),
        ("image", run.image),
        ("contract version", training.contract_version),
        ("seed", training.seed),
        ("hyperparameters", pairs(training.hyperparameters)),
        ("libraries", pairs(training.libraries)),
        ("champion", "none" if champion is None else champion.package_arn),
    ]
    if champion is not None and champion.version is not None:
        entries.append(("champion's version", champion.version))
    return sections.origin(
        "Provenance", "Together these make the model again, bit for bit (python -m ops reproduce).", entries
    )
