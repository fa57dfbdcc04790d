"""Errors that handlers raise on purpose. Every other exception is a defect or a fault of a service."""


class HandlerError(Exception):
    """Base of the errors below; the message names what was found and what to do."""


class ConfigurationError(HandlerError):
    """The function was deployed with a missing or malformed environment variable."""


class NotYetError(HandlerError):
    """AWS does not show the announced state yet; the message has to be delivered again."""


class UnexpectedEventError(HandlerError):
    """A well-formed event that this function must never get, so a rule or a queue is wired wrongly."""


class ConflictError(HandlerError):
    """Somebody else wrote the ledger first: read again and decide again."""
