"""AWS accounts that publish the prebuilt images, region by region.

``regions.json`` is trimmed from the SageMaker SDK's ``image_uri_config/xgboost.json`` (version 3.2-0) and
``image_uri_config/spark.json`` (version 3.5) to the regions that have both, where CloudFormation has every resource
type that Tandem uses (cfn-lint's schemas tell; a test asks it for each region) and to the partition ``aws``: in the
others the Powertools layer lives in accounts and versions of its own.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def region_table() -> Mapping[str, Mapping[str, str]]:
    """Region name → the columns ``XGBoostAccount`` and ``SparkAccount``."""
    table: Mapping[str, Mapping[str, str]] = json.loads(Path(__file__).with_name("regions.json").read_text("utf-8"))
    return table
