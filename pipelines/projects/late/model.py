"""The model of project ``late``: gradient-boosted trees on :mod:`.features`, the probability of being late."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines.projects.late import features
from pipelines.steps.failure import StepError
from pipelines.steps.lean import without
from pipelines.steps.plugin import FloatArray

with without("sklearn"):
    import xgboost

LIBRARIES = ("xgboost",)

_FILE = "model.ubj"
_HYPERPARAMETERS = {
    "rounds": int,
    "max_depth": int,
    "learning_rate": float,
    "min_child_weight": float,
    "subsample": float,
}


@dataclass(frozen=True)
class LateModel:
    """A trained booster."""

    booster: xgboost.Booster

    def predict(self, rows: pa.Table) -> FloatArray:
        """Predict the probability that a flight arrives more than 15 minutes late."""
        # In place: for one flight, making a DMatrix costs more than looking into the trees ("Prediction", XGBoost).
        return np.asarray(self.booster.inplace_predict(features.build(rows)), dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write the booster as UBJSON, XGBoost's own format."""
        self.booster.save_model(folder / _FILE)


def train(rows: pa.Table, target: FloatArray, *, hyperparameters: Mapping[str, str], seed: int) -> LateModel:
    """Fit the booster; the same rows in the same order give the same trees on any number of threads.

    Raises:
        StepError: when a hyperparameter is missing, unknown or out of range.
    """
    values = _parse(hyperparameters)
    rounds = int(values.pop("rounds"))
    parameters = {"objective": "binary:logistic", "tree_method": "hist", "seed": seed, **values}
    return LateModel(xgboost.train(parameters, _matrix(rows, target), num_boost_round=rounds))


def load(folder: Path) -> LateModel:
    """Read a booster that :meth:`LateModel.save` wrote."""
    booster = xgboost.Booster()
    booster.load_model(folder / _FILE)
    return LateModel(booster)


def _matrix(rows: pa.Table, target: FloatArray) -> xgboost.DMatrix:
    return xgboost.DMatrix(features.build(rows), label=target, feature_names=list(features.NAMES))


def _parse(given: Mapping[str, str]) -> dict[str, int | float]:
    if set(given) != set(_HYPERPARAMETERS):
        raise StepError(
            f"training.hyperparameters of late are {', '.join(sorted(given)) or 'empty'}; "
            f"they must be exactly {', '.join(sorted(_HYPERPARAMETERS))}"
        )
    values: dict[str, int | float] = {}
    for name, kind in _HYPERPARAMETERS.items():
        try:
            values[name] = kind(given[name])
        except ValueError as error:
            raise StepError(f"hyperparameter {name!r} is {given[name]!r}, it must be a {kind.__name__}") from error
        if values[name] <= 0:
            raise StepError(f"hyperparameter {name!r} is {given[name]!r}, it must be above 0")
    return values
