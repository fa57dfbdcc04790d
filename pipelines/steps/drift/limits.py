"""How far live data may stray before the monitor says so: the settings of ``[monitoring]`` a job is started with.

Standard library only: the settings of the stacks and the compiler of the pipelines read the defaults here.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Literal, get_args

from pipelines.steps import limit_text
from pipelines.steps.failure import StepError

Window = Literal["hour", "day"]
_LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
_NONE = "none"


@dataclass(frozen=True)
class Limits:
    """Windows and limits; shares are fractions, 0.01 means one per cent.

    Attributes:
        window: length of a window, in UTC.
        span: windows that are judged together; they slide by one.
        grace_minutes: how long after its end a window is judged, because data capture is written late.
        min_rows: fewest rows in a span that say something about drift.
        max_drift: robust L-infinity distance of an input.
        max_prediction_drift: robust L-infinity distance of the predictions.
        max_quality_drop: share by which the primary metric may be worse than the baseline's interval.
        label_windows: windows whose predictions are joined with the labels known by now.
        min_labels: fewest labelled rows that say something about quality.
        max_violation_share: rows that break the baseline's schema.
        alarm_windows: windows beyond a limit that raise its alarm ...
        alarm_of: ... among the last so many.
        ignore: inputs that are counted and never judged.
    """

    window: Window = "day"
    span: int = 7
    grace_minutes: int = 60
    min_rows: int = 500
    max_drift: float = 0.1
    max_prediction_drift: float = 0.1
    max_quality_drop: float = 0.1
    label_windows: int = 14
    min_labels: int = 500
    max_violation_share: float = 0.01
    alarm_windows: int = 3
    alarm_of: int = 5
    ignore: tuple[str, ...] = ()

    @property
    def length(self) -> timedelta:
        """Length of a window."""
        return _LENGTHS[self.window]

    @property
    def grace(self) -> timedelta:
        """How long after its end a window is judged."""
        return timedelta(minutes=self.grace_minutes)

    def as_text(self) -> str:
        """Write all but the ignored inputs as one argument of a job: ``name=value name=value``."""
        return limit_text.write(_judged(self))

    def ignored_as_text(self) -> str:
        """Write the ignored inputs as one argument: names with commas, ``none`` without any."""
        return ",".join(self.ignore) or _NONE


def parse(text: str, *, ignore: str = _NONE) -> Limits:
    """Read what :meth:`Limits.as_text` and :meth:`Limits.ignored_as_text` wrote.

    Raises:
        StepError: when a limit is unknown, missing or of the wrong type.
    """
    values = limit_text.read(text, defaults=_judged(Limits()), of="monitoring")
    if values["window"] not in get_args(Window):
        raise StepError(f"monitoring limit window is {values['window']!r}, it must be one of {', '.join(_LENGTHS)}")
    names = () if ignore == _NONE else tuple(ignore.split(","))
    return Limits(**values, ignore=names)


def _judged(given: Limits) -> dict[str, object]:
    return {name: value for name, value in asdict(given).items() if name != "ignore"}
