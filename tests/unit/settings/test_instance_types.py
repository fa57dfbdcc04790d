"""Which of SageMaker's instance types the settings take: those whose whole storage the project's key encrypts."""

import pytest
from botocore.session import get_session
from pydantic import TypeAdapter, ValidationError

from stacks.settings.types import InstanceType

# Amazon EC2 User Guide, "Instance store volumes": x86 families that are not listed there. Whether a family that a newer
# botocore knows belongs here is for a person to say.
TAKEN = {
    *("c4", "c5", "c5n", "c6i", "c6in", "c7i", "c7i-flex", "c8i", "c8i-flex"),
    *("m4", "m5", "m6i", "m7i", "m7i-flex", "m8i", "m8i-flex"),
    *("r5", "r6i", "r7i", "r8i", "r8i-flex", "t2", "t3"),
    *("inf1", "inf2", "p2", "p3"),
}
ENUMERATIONS = ("ProductionVariantInstanceType", "TrainingInstanceType", "ProcessingInstanceType")


@pytest.fixture(name="known", scope="module")
def _known() -> list[str]:
    model = get_session().get_service_model("sagemaker")
    return [name for enumeration in ENUMERATIONS for name in model.shape_for(enumeration).enum]


def _is_taken(instance_type: str) -> bool:
    try:
        TypeAdapter(InstanceType).validate_python(instance_type)
    except ValidationError:
        return False
    return True


def test_of_all_families_of_sagemaker_those_without_local_storage_are_taken(known: list[str]) -> None:
    assert {name.split(".")[1] for name in known if _is_taken(name)} == TAKEN


def test_sizes_of_a_family_are_taken_together(known: list[str]) -> None:
    refused = {name.split(".")[1] for name in known if not _is_taken(name)}

    assert not refused & TAKEN
    assert {"m5d", "c5d", "r5d", "g4dn", "g5", "g6", "p3dn", "p4d", "p4de", "p5", "trn1", "dl1"} <= refused
