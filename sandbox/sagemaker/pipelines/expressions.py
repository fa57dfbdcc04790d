"""Values of a definition that are known only while it runs: Get, Std:Join, Std:JsonGet."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.sagemaker.pipelines.definition import Step, Value
from sandbox.sagemaker.pipelines.paths import PathError, look_up, tokens
from sandbox.sagemaker.storage import join_uri


@dataclass(frozen=True)
class Scope:
    """What expressions can see.

    Args:
        parameters: the parameters of the execution.
        execution: the variables `Execution.…`.
        steps: all steps of the definition by name, for their property files.
        properties: gives what Describe answers for a finished step.
        read: gives the bytes of an S3 object, with the pipeline's role.
    """

    parameters: Mapping[str, Value]
    execution: Mapping[str, str]
    steps: Mapping[str, Step]
    properties: Callable[[str], Mapping[str, Any]]
    read: Callable[[str], bytes]

    def resolve(self, value: Any) -> Any:
        """Replace every expression in a value.

        Raises:
            PathError: when an expression leads nowhere.
        """
        try:
            return self._resolved(value)
        except (KeyError, TypeError) as error:
            raise PathError(f"the expression {str(value)[:200]} is none of SageMaker's: {error!r}") from error

    def _resolved(self, value: Any) -> Any:
        match value:
            case {"Get": str() as path} if len(value) == 1:
                return self._get(path)
            case {"Std:Join": {"On": on, "Values": values}} if len(value) == 1:
                return str(self.resolve(on)).join(_text(self.resolve(item)) for item in values)
            case {"Std:JsonGet": Mapping() as arguments} if len(value) == 1:
                return self._json_get(arguments)
            case Mapping():
                return {key: self.resolve(item) for key, item in value.items()}
            case list() | tuple():
                return [self.resolve(item) for item in value]
        return value

    def _get(self, path: str) -> Any:
        kind, *rest = tokens(path)
        match kind, rest:
            case "Parameters", [str() as name] if name in self.parameters:
                return self.parameters[name]
            case "Execution", [str() as name] if name in self.execution:
                return self.execution[name]
            case "Steps", [str() as name, *inner]:
                return look_up(self.properties(name), inner, shown=path)
        raise PathError(f"{path!r} cannot be resolved")

    def _json_get(self, arguments: Mapping[str, Any]) -> Any:
        if "S3Uri" in arguments:
            uri = self.resolve(arguments["S3Uri"])
        else:
            uri = self._property_file_uri(arguments["PropertyFile"]["Get"])
        path = str(self.resolve(arguments["Path"]))
        try:
            content = json.loads(self.read(uri))
        except (ValueError, RecursionError) as error:
            raise PathError(f"Std:JsonGet: {uri} is not JSON: {error}") from error
        return look_up(content, tokens(path), shown=f"{path} in {uri}")

    def _property_file_uri(self, path: str) -> str:
        match tokens(path):
            case ["Steps", str() as step, "PropertyFiles", str() as name] if name in self.steps[step].property_files:
                file = self.steps[step].property_files[name]
                outputs = ["ProcessingOutputConfig", "Outputs", file.output, "S3Output", "S3Uri"]
                return join_uri(look_up(self.properties(step), outputs, shown=path), file.path)
        raise PathError(f"{path!r} names no property file of the pipeline")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
