"""How CodeDeploy moves the traffic of a Lambda function.

AWS page: "Working with deployment configurations in CodeDeploy", predefined ones of the AWS Lambda compute platform.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_ALL_AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
_CANARY = re.compile(r"CodeDeployDefault\.LambdaCanary(?P<percent>10)Percent(?P<minutes>5|10|15|30)Minutes")
_LINEAR = re.compile(r"CodeDeployDefault\.LambdaLinear(?P<percent>10)PercentEvery(?P<minutes>1|2|3|10)Minutes?")


@dataclass(frozen=True)
class Shift:
    """This share of the traffic (0 to 1) on the new version, for so many seconds before the next step."""

    share: float
    seconds: float


def shifts(configuration: str) -> Sequence[Shift]:
    """The steps of a predefined deployment configuration, before all traffic is on the new version.

    Raises:
        ValueError: when AWS predefines none of that name for Lambda.
    """
    if configuration == _ALL_AT_ONCE:
        return ()
    if match := _CANARY.fullmatch(configuration):
        return (Shift(int(match["percent"]) / 100, int(match["minutes"]) * 60.0),)
    if match := _LINEAR.fullmatch(configuration):
        return tuple(_steps(int(match["percent"]), seconds=int(match["minutes"]) * 60.0))
    raise ValueError(f"No deployment configuration found for name: {configuration}")


def _steps(percent: int, *, seconds: float) -> Iterator[Shift]:
    for reached in range(percent, 100, percent):
        yield Shift(reached / 100, seconds)
