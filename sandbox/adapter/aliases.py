"""The weights of a Lambda alias decide which version answers, whoever invokes it.

AWS page: "Implement Lambda canary deployments using a weighted alias".
"""

import random
from collections.abc import Mapping
from typing import Any

from sandbox.adapter import internals

_ALIAS_PARTS = 8
_random = random.Random()  # noqa: S311 - which version answers is no secret


def chosen_version(alias: Mapping[str, Any], *, drawn: float) -> str:
    """The version that answers, for a number between 0 and 1 that was drawn.

    Each additional version has its weight, and the alias's own version the rest.
    """
    reached = 0.0
    for version, weight in (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {}).items():
        reached += float(weight)
        if drawn < reached:
            return str(version)
    return str(alias["FunctionVersion"])


def honour_weights() -> None:
    """Make the emulator draw the version of an alias that has weights; it would always take the alias's own."""
    function_of, invoke = internals.FUNCTION_OF.get(), internals.INVOKE.get()

    def version_of(name: str, qualifier: str) -> str | None:
        alias = (internals.FUNCTIONS.get().get(name) or {}).get("aliases", {}).get(qualifier)
        if alias is None:
            return None
        return chosen_version(alias, drawn=_random.random())

    def get_func_record_for_ref(function_ref: str) -> Any:
        parts = str(function_ref).split(":")
        if len(parts) != _ALIAS_PARTS or (version := version_of(parts[6], parts[7])) is None:
            return function_of(function_ref)
        record, config, name = function_of(":".join([*parts[:7], version]))
        # A function is told the name that it was called by, which its metrics have too.
        return record, config if config is None else {**config, "FunctionArn": function_ref}, name

    async def invoke_function(
        name: str,
        event: Any,
        headers: Mapping[str, Any],
        path_qualifier: str | None = None,
        query_params: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        given = path_qualifier or (query_params or {}).get("Qualifier")
        qualifier = given[0] if isinstance(given, list) else given
        if qualifier and (version := version_of(name, qualifier)) is not None:
            path_qualifier = version
        return await invoke(name, event, headers, path_qualifier, query_params, **options)

    internals.FUNCTION_OF.replace(get_func_record_for_ref)
    internals.INVOKE.replace(invoke_function)
