"""AWS accounts that publish the prebuilt XGBoost image and the Powertools layer, region by region.

``regions.json`` is trimmed from the SageMaker SDK's ``image_uri_config/xgboost.json`` (version 3.2-0) and from
the page "Installation" of Powertools for AWS Lambda (Python); regions that lack either of the two are left out.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def region_table() -> Mapping[str, Mapping[str, str]]:
    """Region name → the columns ``XGBoostAccount``, ``PowertoolsAccount`` and ``PowertoolsVersion``."""
    table: Mapping[str, Mapping[str, str]] = json.loads(Path(__file__).with_name("regions.json").read_text("utf-8"))
    return table
