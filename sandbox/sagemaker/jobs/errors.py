"""Why a job fails apart from its own process."""


class JobError(Exception):
    """The job cannot go on; the message is its FailureReason."""
