"""Names and ARNs as SageMaker forms them."""

import re
import secrets
import string
from typing import Final

from sandbox.sagemaker.platform import Platform

_ID_ALPHABET: Final = string.ascii_lowercase + string.digits
_MAX_JOB_NAME: Final = 63
_MAX_REASON: Final = 1024
_LOWER_CASE_KINDS: Final = frozenset({"endpoint", "endpoint-config", "model"})
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9-]+")


def arn(platform: Platform, kind: str, name: str) -> str:
    """The ARN of a resource, such as `arn:aws:sagemaker:us-east-1:000000000000:endpoint/flights`.

    SageMaker writes the names of the older kinds in lower case.
    """
    if kind in _LOWER_CASE_KINDS:
        name = name.lower()
    return f"arn:aws:sagemaker:{platform.region}:{platform.account}:{kind}/{name}"


def last_part(name_or_arn: str, kind: str) -> str:
    """The name in an ARN of this kind; anything else is taken for the name itself."""
    _, separator, name = name_or_arn.partition(f":{kind}/")
    return name if separator else name_or_arn


def random_id(length: int = 12) -> str:
    """An identifier of lower-case letters and digits, as SageMaker gives to executions and jobs."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(length))


def step_job_name(execution_id: str, step: str) -> str:
    """The name of the job that a pipeline step starts: `pipelines-<execution>-<step>-<random>`."""
    suffix = random_id(10)
    head = f"pipelines-{execution_id}-{_NOT_IN_NAMES.sub('-', step)}"
    return f"{head[: _MAX_JOB_NAME - len(suffix) - 1].rstrip('-')}-{suffix}"


def reason(text: str | None) -> str | None:
    """A FailureReason: SageMaker keeps 1,024 characters."""
    return None if text is None else text[:_MAX_REASON]
