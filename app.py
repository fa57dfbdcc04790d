"""Entry point of the CDK: settings → app → guardrails → templates."""

import sys
from pathlib import Path

from stacks.assembly import build_app
from stacks.errors import ConfigurationError
from stacks.guardrails import add_guardrails
from stacks.settings import load_projects

ROOT = Path(__file__).resolve().parent


def main() -> int:
    """Synthesize; returns the exit code, 2 for a mistake in a file that a person can mend."""
    try:
        app = build_app(load_projects(ROOT), root=ROOT)
    except ConfigurationError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    add_guardrails(app)
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
