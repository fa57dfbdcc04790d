"""How far data may stray before it is refused: the settings of ``[data]`` that step Validate is started with.

Standard library only: the settings of the stacks and the compiler of the pipelines read the defaults here.
"""

from dataclasses import asdict, dataclass

from pipelines.steps import limit_text

WARNING_SHARE = 0.2
"""What reaches this share of a limit is a warning in the report; what exceeds the limit refuses the object."""


@dataclass(frozen=True)
class Limits:
    """The limits; shares are fractions of an object's rows, 0.01 means one per cent.

    Attributes:
        max_duplicate_share: rows that equal an earlier row in every column of the contract.
        max_null_increase: share of nulls above the champion's share in the same column.
        max_unseen_share: rows with a category that the champion never saw.
        max_label_shift: distance of the mean label from the champion's mean, in the champion's standard deviations.
        max_outlier_share: labels further outside the champion's range than half its width.
        max_target_correlation: rank correlation of an input with the target, from 0 to 1.
        future_hours: hours by which a row may be later than the end of its period, and than the start of the run.
    """

    max_duplicate_share: float = 0.01
    max_null_increase: float = 0.25
    max_unseen_share: float = 0.25
    max_label_shift: float = 1.0
    max_outlier_share: float = 0.001
    max_target_correlation: float = 0.999
    future_hours: int = 24

    def as_text(self) -> str:
        """Write them as one argument of a job: ``name=value name=value``."""
        return limit_text.write(asdict(self))


def parse(text: str) -> Limits:
    """Read what :meth:`Limits.as_text` wrote.

    Raises:
        StepError: when a limit is unknown, missing or no number.
    """
    return Limits(**limit_text.read(text, defaults=asdict(Limits()), of="data"))
