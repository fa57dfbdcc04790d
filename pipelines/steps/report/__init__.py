"""The evaluation report and the model card of a run, written by step Evaluate beside ``evaluation.json``.

``evaluation.html`` is one page that needs nothing else; ``model_card.json`` is what step Register hands to the model
registry (:mod:`.card`). Both are made of the documents that the run's steps left and of nothing else, so the same run
gives the same bytes.
"""

from dataclasses import dataclass
from pathlib import Path

from pipelines.steps import profile as profiles
from pipelines.steps.profile import Profile
from pipelines.steps.report import card, page
from pipelines.steps.report import evaluation as evaluations
from pipelines.steps.report.provenance import Provenance, Run
from pipelines.steps.report.scores import Scores

PAGE = "evaluation.html"
CHAMPION_PROFILE = "champion-profile.json"
"""The profile of the champion's training rows, kept beside the page that shows what changed since."""

__all__ = ["CHAMPION_PROFILE", "PAGE", "Provenance", "Run", "Sources", "write"]


@dataclass(frozen=True)
class Sources:
    """The documents that a report is made of; all but the first may be missing.

    Attributes:
        evaluation: ``evaluation.json``.
        scores: ``scores.parquet``.
        validation: ``validation.json`` of step Validate.
        preparation: ``prepare.json`` of step Prepare.
        profile: ``profile.json`` of the rows that the challenger was trained on.
        champion_profile: the same of the champion.
    """

    evaluation: Path
    scores: Path
    validation: Path | None = None
    preparation: Path | None = None
    profile: Path | None = None
    champion_profile: Path | None = None


def write(folder: Path, *, sources: Sources, provenance: Provenance) -> None:
    """Write the report and the model card into a folder.

    Raises:
        StepError: when ``evaluation.json`` has another format than the one that is read.
    """
    evaluation = evaluations.read(sources.evaluation)
    rows = Scores.read(sources.scores, evaluation.window["unit"]) if sources.scores.is_file() else None
    text = page.build(
        evaluation,
        provenance=provenance,
        rows=rows,
        validation=evaluations.read_optional(sources.validation),
        preparation=evaluations.read_optional(sources.preparation),
        profiles=(_profile(sources.profile), _profile(sources.champion_profile)),
    )
    (folder / PAGE).write_text(text, "utf-8")
    (folder / card.CARD).write_text(card.document(evaluation, provenance), "utf-8")


def _profile(path: Path | None) -> Profile | None:
    return profiles.parse(path.read_bytes()) if path is not None and path.is_file() else None
