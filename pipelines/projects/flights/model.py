"""The model of project ``flights``: gradient-boosted trees on :mod:`.features`, minutes in the air."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines.projects.flights import features
from pipelines.steps.failure import StepError
from pipelines.steps.lean import without
from pipelines.steps.plugin import FloatArray

with without("sklearn"):
    import xgboost

LIBRARIES = ("xgboost",)

_FILE = "model.ubj"
_SUBSAMPLE = 0.8
"""Share of the rows that each tree sees, drawn with the seed. Without it a seed would change nothing."""

_HYPERPARAMETERS: Mapping[str, Callable[[str], int | float]] = {
    "rounds": int,
    "max_depth": int,
    "learning_rate": float,
}


@dataclass(frozen=True)
class FlightsModel:
    """A trained booster."""

    booster: xgboost.Booster

    def predict(self, rows: pa.Table) -> FloatArray:
        """Predict minutes in the air."""
        # In place: for one flight, making a DMatrix costs more than looking into the trees ("Prediction", XGBoost).
        predicted = self.booster.inplace_predict(features.build(rows))
        return np.asarray(predicted, dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write the booster as UBJSON, XGBoost's own format."""
        self.booster.save_model(folder / _FILE)


def train(rows: pa.Table, target: FloatArray, *, hyperparameters: Mapping[str, str], seed: int) -> FlightsModel:
    """Fit the booster; ``hist`` gives the same trees on any number of threads when the rows come in a fixed order.

    Raises:
        StepError: when a hyperparameter is missing, unknown or no number.
    """
    values = _parse(hyperparameters)
    parameters = {
        "objective": "reg:squarederror",
        "tree_method": "hist",
        "max_depth": values["max_depth"],
        "learning_rate": values["learning_rate"],
        "subsample": _SUBSAMPLE,
        "seed": seed,
    }
    booster = xgboost.train(parameters, _matrix(rows, target), num_boost_round=int(values["rounds"]))
    return FlightsModel(booster)


def load(folder: Path) -> FlightsModel:
    """Read a booster that :meth:`FlightsModel.save` wrote."""
    booster = xgboost.Booster()
    booster.load_model(folder / _FILE)
    return FlightsModel(booster)


def _matrix(rows: pa.Table, target: FloatArray) -> xgboost.DMatrix:
    return xgboost.DMatrix(features.build(rows), label=target, feature_names=list(features.NAMES))


def _parse(hyperparameters: Mapping[str, str]) -> dict[str, int | float]:
    if set(hyperparameters) != set(_HYPERPARAMETERS):
        raise StepError(
            f"training.hyperparameters of flights are {', '.join(sorted(hyperparameters)) or 'empty'}; "
            f"they must be exactly {', '.join(sorted(_HYPERPARAMETERS))}"
        )
    values: dict[str, int | float] = {}
    for name, kind in _HYPERPARAMETERS.items():
        try:
            values[name] = kind(hyperparameters[name])
        except ValueError as error:
            raise StepError(
                f"hyperparameter {name!r} is {hyperparameters[name]!r}, it must be a {kind.__name__}"
            ) from error
        if values[name] <= 0:
            raise StepError(f"hyperparameter {name!r} is {hyperparameters[name]!r}, it must be above 0")
    return values
