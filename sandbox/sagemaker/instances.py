"""What an instance type has, as far as the sandbox can grant it."""

import os
from dataclasses import dataclass

_VCPUS_OF_SIZE = {"medium": 1, "large": 2, "xlarge": 4}
_GIB_PER_VCPU = {"c": 2, "m": 4, "r": 8, "x": 16, "t": 4}
_GIB = 1024**3
_DEFAULT_GIB_PER_VCPU = 4


@dataclass(frozen=True)
class Instance:
    """The size of a machine; memory in bytes."""

    type: str
    vcpus: int
    memory: int

    @property
    def threads(self) -> int:
        """How many threads numerical libraries get: never more than this machine has."""
        return min(self.vcpus, os.cpu_count() or 1)


def instance(instance_type: str) -> Instance:
    """Read the size from a name such as `ml.m5.xlarge`: the family gives the memory, the size the processors."""
    _, family, size = instance_type.split(".", maxsplit=2)
    multiple = size.removesuffix("xlarge")
    vcpus = _VCPUS_OF_SIZE.get(size) or (int(multiple) * 4 if multiple.isdigit() else 4)
    gib = vcpus * _GIB_PER_VCPU.get(family[0], _DEFAULT_GIB_PER_VCPU)
    return Instance(type=instance_type, vcpus=vcpus, memory=gib * _GIB)
