"""The published schema of a model package's card, as far as cards of ours use it.

AWS pages: "Model card JSON schema" (Amazon SageMaker Model Cards; draft 07, every object closed) and "View and Update
the Details of a Model Version", there the model package model card schema, which leaves only creator and artifact in
``model_overview``. ``user_provided_hyper_parameters`` is younger than the oldest copy of the first page; it stands in
the SDK's own shapes (``sagemaker.core.shapes.model_card_shapes``).
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Short = Annotated[str, Field(min_length=1, max_length=63)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Text = Annotated[str, Field(max_length=1024)]
Long = Annotated[str, Field(max_length=2048)]
MOST_CHARACTERS = 100_000
"""Of ``ModelCardContent`` (API reference, ModelPackageModelCard); its pattern allows no line break."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _Overview(_Closed):
    model_creator: Text
    model_artifact: Annotated[list[Text], Field(max_length=15)]


class _IntendedUses(_Closed):
    purpose_of_model: Long
    intended_uses: Long
    factors_affecting_model_efficiency: Long
    risk_rating: Literal["High", "Medium", "Low", "Unknown"]
    explanations_for_risk_rating: Long


class _Environment(_Closed):
    container_image: Annotated[list[Text], Field(max_length=15)]


class _HyperParameter(_Closed):
    name: Name
    value: Annotated[str, Field(max_length=255)]


class _TrainingJob(_Closed):
    training_datasets: Annotated[list[Text], Field(max_length=15)]
    training_environment: _Environment
    user_provided_hyper_parameters: Annotated[list[_HyperParameter], Field(max_length=50)]


class _Training(_Closed):
    training_observations: Text
    training_job_details: _TrainingJob


class _Metric(_Closed):
    name: Name
    type: Literal["number"]
    value: float


class _MetricGroup(_Closed):
    name: Short
    metric_data: list[_Metric]


class _Evaluation(_Closed):
    name: Short
    evaluation_observation: Annotated[str, Field(max_length=2096)]
    datasets: Annotated[list[Text], Field(max_length=10)]
    metadata: dict[str, Text]
    metric_groups: list[_MetricGroup]


class _Additional(_Closed):
    caveats_and_recommendations: Long
    custom_details: dict[str, Text]


class ModelCard(_Closed):
    """A card; a key that it does not have is refused."""

    model_overview: _Overview
    intended_uses: _IntendedUses
    training_details: _Training
    evaluation_details: list[_Evaluation]
    additional_information: _Additional
