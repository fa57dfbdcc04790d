"""How often each way to decide promotes a model that is no better, and how soon one that is: on real flights.

At each of 63 moments of 2013, two models are trained on the 60 days before; they differ by their seed only, so every
promotion of one over the other is wrong. They meet on the 14 days after. The stored number is what the champion had on
those days, against what the challenger has on the 14 days after them, as a template does that remembers a metric.

Against a stale champion, the model of the first moment, each later moment's model is judged the same way. In the loop a
promoted model serves until a better one replaces it: its RMSE is that of the flights it served, from the first decision
to the last.
"""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xgboost

from benchmarks.promotion_rules import PromotionRule, Window, all_rules, rmse
from pipelines.projects.flights import features, feed
from pipelines.steps.plugin import FloatArray

_MOMENTS = 63
_TRAIN_DAYS = 60
_HOLDOUT_DAYS = 14
_DAY = 24 * 3_600_000_000
_PARAMETERS = {
    "objective": "reg:squarederror",
    "tree_method": "hist",
    "max_depth": 8,
    "learning_rate": 0.1,
    "subsample": 0.8,
}
_ROUNDS = 100
"""A third of the project's, so that 126 models are trained in minutes."""


@dataclass(frozen=True, eq=False)
class _Flights:
    moments: FloatArray
    inputs: Any
    minutes: FloatArray
    cuts: FloatArray

    def between(self, start: float, end: float) -> slice:
        first, last = np.searchsorted(self.moments, [start, end])
        return slice(int(first), int(last))

    def holdout(self, number: int, *, later: int = 0) -> slice:
        start = self.cuts[number] + later * _HOLDOUT_DAYS * _DAY
        return self.between(start, start + _HOLDOUT_DAYS * _DAY)


class _Models:
    """Trains each model once, and predicts each stretch of time once."""

    def __init__(self, flights: _Flights) -> None:
        self._flights = flights
        self._trained: dict[tuple[int, int], xgboost.Booster] = {}
        self.predict = cache(self._predict)

    def _predict(self, number: int, seed: int, start: int, end: int) -> FloatArray:
        rows = xgboost.DMatrix(self._flights.inputs[start:end])
        predicted: FloatArray = self._booster(number, seed).predict(rows).astype(np.float64)
        return predicted

    def _booster(self, number: int, seed: int) -> xgboost.Booster:
        if (number, seed) not in self._trained:
            cut = self._flights.cuts[number]
            rows = self._flights.between(cut - _TRAIN_DAYS * _DAY, cut)
            matrix = xgboost.DMatrix(self._flights.inputs[rows], label=self._flights.minutes[rows])
            booster = xgboost.train({**_PARAMETERS, "seed": 1000 * number + seed}, matrix, num_boost_round=_ROUNDS)
            self._trained[number, seed] = booster
        return self._trained[number, seed]


def run() -> list[dict[str, Any]]:
    """Return one row per rule, and the two ways without any rule for comparison."""
    flights = _read()
    models = _Models(flights)
    twins = [_twins(flights, models, number) for number in range(_MOMENTS)]
    successors = [_met(flights, models, champion=0, number=number) for number in range(1, _MOMENTS)]
    figures = []
    for rule in all_rules():
        wrong = sum(rule.decide(window) for window in twins)
        promoted = [number for number, window in enumerate(successors, start=1) if rule.decide(window)]
        served, changes = _loop(flights, models, rule)
        figures.append(
            {
                "name": rule.name,
                "alpha": rule.alpha,
                "margin": rule.margin,
                "wrongly promoted": f"{wrong} of {len(twins)}",
                "share": round(wrong / len(twins), 3),
                "over a stale champion": f"{len(promoted)} of {len(successors)}",
                "first after days": _days_after(flights, promoted[0]) if promoted else None,
                "rmse in the loop": round(served, 2),
                "promotions": changes,
            }
        )
    return [
        *figures,
        _without_rule(flights, models, "never retrained"),
        _without_rule(flights, models, "always newest"),
    ]


def _read() -> _Flights:
    rows = pa.concat_tables(feed.drops(range(1, 13)).values())
    rows = rows.filter(pc.is_valid(rows.column("air_time"))).sort_by("time_hour")
    moments = rows.column("time_hour").cast(pa.int64()).to_numpy().astype(np.float64)
    first = moments[0] + _TRAIN_DAYS * _DAY
    last = moments[-1] - 2 * _HOLDOUT_DAYS * _DAY
    return _Flights(
        moments=moments,
        inputs=features.build(rows),
        minutes=rows.column("air_time").to_numpy().astype(np.float64),
        cuts=np.linspace(first, last, _MOMENTS),
    )


def _twins(flights: _Flights, models: _Models, number: int) -> Window:
    """Two models that differ by their seed, on the same hold-out; the remembered number is of the one before."""
    rows, later = flights.holdout(number), flights.holdout(number, later=1)
    champion = models.predict(number, 1, rows.start, rows.stop)
    return Window(
        moments=flights.moments[rows],
        target=flights.minutes[rows],
        champion=champion,
        challenger=models.predict(number, 2, rows.start, rows.stop),
        stored=rmse(flights.minutes[rows], champion),
        measured=rmse(flights.minutes[later], models.predict(number, 2, later.start, later.stop)),
    )


@cache
def _met(flights: _Flights, models: _Models, *, champion: int, number: int) -> Window:
    """A champion of an earlier moment and the model of a later one, on the hold-out of the later one."""
    rows, own = flights.holdout(number), flights.holdout(champion)
    challenger = models.predict(number, 1, rows.start, rows.stop)
    return Window(
        moments=flights.moments[rows],
        target=flights.minutes[rows],
        champion=models.predict(champion, 1, rows.start, rows.stop),
        challenger=challenger,
        stored=rmse(flights.minutes[own], models.predict(champion, 1, own.start, own.stop)),
        measured=rmse(flights.minutes[rows], challenger),
    )


def _loop(flights: _Flights, models: _Models, rule: PromotionRule) -> tuple[float, int]:
    """Let the rule decide at every moment; returns the RMSE of what was served and the number of promotions."""
    champion, changes, served = 0, 0, []
    for number in range(1, _MOMENTS):
        if rule.decide(_met(flights, models, champion=champion, number=number)):
            champion, changes = number, changes + 1
        served.append((champion, number))
    return _served(flights, models, served), changes


def _without_rule(flights: _Flights, models: _Models, name: str) -> dict[str, Any]:
    newest = name == "always newest"
    served = [(number if newest else 0, number) for number in range(1, _MOMENTS)]
    return {
        "name": name,
        "alpha": None,
        "margin": None,
        "wrongly promoted": None,
        "share": None,
        "over a stale champion": None,
        "first after days": None,
        "rmse in the loop": round(_served(flights, models, served), 2),
        "promotions": _MOMENTS - 1 if newest else 0,
    }


def _served(flights: _Flights, models: _Models, served: list[tuple[int, int]]) -> float:
    """RMSE over all flights between the decisions; the model of a moment is decided on when its hold-out is over."""
    squares, flown = 0.0, 0
    for champion, number in served:
        start = flights.cuts[number] + _HOLDOUT_DAYS * _DAY
        rows = flights.between(start, start + flights.cuts[1] - flights.cuts[0])
        predicted = models.predict(champion, 1, rows.start, rows.stop)
        squares += float(np.sum(np.square(predicted - flights.minutes[rows])))
        flown += rows.stop - rows.start
    return float(np.sqrt(squares / flown))


def _days_after(flights: _Flights, number: int) -> int:
    return int(np.round((flights.cuts[number] - flights.cuts[0]) / _DAY))
