"""Problem details (RFC 9457 "Problem Details for HTTP APIs"): the one form in which anything is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from application.contract import allowed
from application.values import shown
from lambdas.shared.compatibility import Field

PROBLEM_JSON: Final = "application/problem+json"
MOST_ERRORS: Final = 50
"""Listed in one answer; the detail tells how many there are."""
_FIRST_OF_OURS: Final = 500


@dataclass(frozen=True)
class Kind:
    """A kind of problem: what RFC 9457 calls type, title and status."""

    name: str
    title: str
    status: int

    @property
    def type(self) -> str:
        """The URI that programs tell kinds apart by."""
        return f"urn:problem-type:tandem:{self.name}"


BAD_BODY: Final = Kind("unreadable-body", "The body cannot be read", 400)
UNKNOWN_PATH: Final = Kind("unknown-path", "There is nothing here", 404)
NO_MODEL_YET: Final = Kind("no-model-yet", "No model is live yet", 503)
WRONG_METHOD: Final = Kind("wrong-method", "This method is not allowed here", 405)
TOO_LARGE: Final = Kind("too-large", "The request is too large", 413)
WRONG_MEDIA_TYPE: Final = Kind("wrong-media-type", "The body has the wrong media type", 415)
CONTRACT: Final = Kind("contract-violation", "The request breaks the contract", 422)
MODEL_FAILED: Final = Kind("model-failed", "The model failed", 502)
BUSY: Final = Kind("busy", "The model takes no request at the moment", 503)
UNREADABLE: Final = Kind("store-unavailable", "What is asked for cannot be reached at the moment", 503)
TOO_SLOW: Final = Kind("too-slow", "The model did not answer in time", 504)


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong with a request; see the model of the same name."""

    field: str
    allowed: str
    record: int | None = None
    value: str | None = None

    def document(self) -> dict[str, Any]:
        """Return it without what is not known."""
        told = {"field": self.field, "record": self.record, "value": self.value, "allowed": self.allowed}
        return {name: each for name, each in told.items() if each is not None}


class ProblemError(Exception):
    """A request that is not answered.

    Attributes:
        kind: of the problem.
        detail: what is wrong this time, and what to do.
        errors: what is wrong in the body, one by one.
        headers: of the answer.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: Sequence[Violation] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    @property
    def is_ours(self) -> bool:
        """Whether the caller did nothing wrong."""
        return self.kind.status >= _FIRST_OF_OURS

    def document(self, *, instance: str) -> dict[str, Any]:
        """Return the body of the answer."""
        told: dict[str, Any] = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "instance": instance,
        }
        if self.errors:
            told["errors"] = [each.document() for each in self.errors]
        return told


@dataclass(frozen=True)
class Explainer:
    """Says what a body breaks, in the words of the contract.

    Attributes:
        key: name of the list in the body.
        fields: of its entries, by name.
        contract: name and version, for messages.
        also: what is allowed for keys that are no fields of the contract.
    """

    key: str
    fields: Mapping[str, Field]
    contract: str
    also: Mapping[str, str] = field(default_factory=dict)

    def problem(self, error: ValidationError) -> ProblemError:
        """Turn what pydantic found into a problem; values are shortened, and a long list is cut."""
        found = error.errors(include_url=False, include_context=False)
        errors = [self._violation(each) for each in found[:MOST_ERRORS]]
        first = errors[0]
        where = f"{self.key}[{first.record}]: " if first.record is not None else ""
        value = f" is {first.value}" if first.value is not None else ""
        more = f"; {len(found) - 1} more" if len(found) > 1 else ""
        return ProblemError(CONTRACT, f"{where}field {first.field!r}{value}: {first.allowed}{more}", errors=errors)

    def _violation(self, error: Any) -> Violation:
        where: tuple[str | int, ...] = error["loc"]
        record = next((part for part in where if isinstance(part, int)), None)
        inside = where[2:] if record is not None else where
        name = str(inside[0]) if inside else self.key
        value = shown(error["input"])
        match error["type"]:
            case "missing":
                return Violation(shown(name), f"it is missing; it must be {self._allowed(name)}", record)
            case "extra_forbidden":
                return Violation(shown(name), f"it is unknown to contract {self.contract}; leave it out", record)
            case "model_type" | "model_attributes_type":
                return Violation(shown(name), "it must be an object", record, value)
            case _:
                return Violation(shown(name), f"it must be {self._allowed(name)}", record, value)

    def _allowed(self, name: str) -> str:
        if name in self.fields:
            return allowed(self.fields[name])
        return self.also.get(name, "a list of at least one object")
