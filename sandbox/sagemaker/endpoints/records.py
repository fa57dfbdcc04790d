"""What is remembered of models, endpoint configurations and endpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Container:
    """What a model server runs; `model_uri` is an archive, or a prefix when it ends with a slash."""

    image: str
    model_uri: str | None
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Model:
    """A model; `request` holds the members that are answered as they came."""

    name: str
    arn: str
    role_arn: str
    container: Container
    request: Mapping[str, Any]
    created: datetime


@dataclass(frozen=True)
class EndpointConfig:
    """An endpoint configuration; `request` holds the members that are answered as they came."""

    name: str
    arn: str
    request: Mapping[str, Any]
    created: datetime

    @property
    def variants(self) -> Sequence[Mapping[str, Any]]:
        """The production variants as they were given."""
        variants: Sequence[Mapping[str, Any]] = self.request["ProductionVariants"]
        return variants

    @property
    def capture(self) -> Mapping[str, Any] | None:
        """The data capture configuration, when there is one."""
        capture: Mapping[str, Any] | None = self.request.get("DataCaptureConfig")
        return capture


@dataclass(frozen=True)
class VariantStatus:
    """What is being done to a variant: AWS's ProductionVariantStatus."""

    status: str
    message: str
    started: datetime


@dataclass(frozen=True)
class Pending:
    """A deployment under way: AWS's PendingDeploymentSummary."""

    config: EndpointConfig
    started: datetime
    status: VariantStatus
    share: float = 0.0


@dataclass(frozen=True)
class Endpoint:
    """An endpoint; `config` is the one that serves, also while another is being deployed."""

    name: str
    arn: str
    config: EndpointConfig
    created: datetime
    modified: datetime
    status: str = "Creating"
    failure_reason: str | None = None
    deployment: Mapping[str, Any] | None = None
    pending: Pending | None = None
