"""The words of a pipeline definition, for every parser of one."""

from typing import Final

PIPELINE_WORDS: Final = (
    "Steps",
    "Name",
    "Type",
    "Arguments",
    "IfSteps",
    "ElseSteps",
    "Condition",
    "Processing",
    "Training",
    "Get",
    "DependsOn",
)
