"""What goes wrong in the sandbox, said so that a person can act on it."""


class SandboxError(Exception):
    """A condition the person at the keyboard can mend; the message names the cause and the fix."""
