"""What the XGBoost image does when the user's script has no function of its own.

Behaviour of github.com/aws/sagemaker-xgboost-container (encoder.py, serving.py) and github.com/aws/sagemaker-containers
(_encoders.py, _transformer.py); the RecordIO formats are not in the sandbox.
"""

import csv
import importlib
import io
import json
from typing import Any


class UnsupportedFormatError(Exception):
    """The content type has no decoder, or the accepted type no encoder."""

    def __init__(self, content_type: str) -> None:
        super().__init__(
            f"Content type {content_type} is not supported by this framework.\n\n"
            "Please implement input_fn to to deserialize the request data or an output_fn to\n"
            "serialize the response. For more information, see the SageMaker Python SDK README."
        )


def model_fn(model_dir: str) -> Any:
    """There is no default model loader."""
    raise NotImplementedError(f"Please provide a model_fn implementation to load the model of {model_dir}.")


def input_fn(body: str | bytes, content_type: str) -> Any:
    """Decode CSV to a DMatrix."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "text/csv":
        raise UnsupportedFormatError(content_type)
    text = body.decode() if isinstance(body, bytes) else body
    rows = [[float(cell) if cell else float("nan") for cell in row] for row in csv.reader(io.StringIO(text)) if row]
    return importlib.import_module("xgboost").DMatrix(importlib.import_module("numpy").array(rows))


def predict_fn(data: Any, model: Any) -> Any:
    """Let the booster predict."""
    return model.predict(data, validate_features=False)


def output_fn(prediction: Any, accept: str) -> tuple[str, str]:
    """Encode an array as JSON or CSV."""
    plain = prediction.tolist() if hasattr(prediction, "tolist") else prediction
    if accept == "application/json":
        return json.dumps(plain), accept
    if accept == "text/csv":
        rows = [row if isinstance(row, list) else [row] for row in plain]
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows(rows)
        return stream.getvalue(), accept
    raise UnsupportedFormatError(accept)
