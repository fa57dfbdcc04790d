"""``python -m stacks.settings schema`` rewrites the committed JSON schema of ``project.toml``."""

import argparse
import sys
from pathlib import Path

from stacks.settings.schema import write_schema


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m stacks.settings", description=__doc__)
    parser.add_argument("command", choices=["schema"])
    parser.parse_args()
    sys.stdout.write(f"{write_schema(Path.cwd())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
