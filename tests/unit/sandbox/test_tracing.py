"""Which invocations are traced, as X-Ray's default rule has it."""

from collections.abc import Mapping
from typing import Any

from sandbox.adapter.tracing import Sampling

TRACED = {"FunctionName": "application", "TracingConfig": {"Mode": "Active"}}
HEADER = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"


def trace(config: Mapping[str, Any], inbound: str | None = None) -> str | None:
    return inbound or (HEADER if "TracingConfig" in config else None)


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def traced(sampling: Sampling, times: int, function: str = "application") -> int:
    headers = [sampling.header({**TRACED, "FunctionName": function}) for _ in range(times)]
    assert {str(each).partition(";Sampled=")[0] for each in headers} == {HEADER.partition(";Sampled=")[0]}
    return sum(str(each).endswith("Sampled=1") for each in headers)


def test_the_first_of_a_second_is_traced_and_five_percent_of_the_others() -> None:
    clock = Clock()
    sampling = Sampling(trace, clock=clock)
    assert traced(sampling, 1) == 1
    assert traced(sampling, 200) == 10
    clock.seconds += 1
    assert traced(sampling, 1) == 1
    assert traced(sampling, 19) == 0


def test_each_function_has_a_trace_of_its_own_in_a_second() -> None:
    sampling = Sampling(trace, clock=Clock())
    assert [traced(sampling, 2, name) for name in ("application", "deploy")] == [1, 1]


def test_what_the_caller_decided_holds() -> None:
    sampling = Sampling(trace, clock=Clock())
    assert {sampling.header(TRACED, HEADER) for _ in range(3)} == {HEADER}


def test_a_function_without_tracing_has_no_header() -> None:
    assert Sampling(trace).header({"FunctionName": "application"}) is None
