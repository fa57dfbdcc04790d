"""Serving script of the image's script mode (``SAGEMAKER_PROGRAM``).

The container installs this file alone as a module, so it finds the package it came with through the folder that
SageMaker names.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY") or str(Path(__file__).parent))

from pipelines.steps.serve import input_fn, model_fn, output_fn, predict_fn  # the path comes first

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]
