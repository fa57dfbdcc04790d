"""`python -m benchmarks.permissions`: synthesize, and write into docs/security.md what each role may do and why."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.permissions import assemblies, page, reasons

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Write the page; returns the exit code, 1 for a grant without a reason or a reason without a grant."""
    with TemporaryDirectory() as folder:
        shapes = page.Shapes(
            plain=assemblies.synthesize(ROOT, Path(folder, "all")),
            others={
                "isolated": assemblies.synthesize_isolated(ROOT, Path(folder, "isolated")),
                "spark": assemblies.synthesize_spark(ROOT, Path(folder, "spark")),
                "jwt": assemblies.synthesize_jwt(ROOT, Path(folder, "jwt")),
            },
        )
        policies = reasons.load_policies(ROOT)
        try:
            page.refuse_unexplained(shapes, policies)
            page.write(ROOT, page.explained(shapes, reasons.load(ROOT)), policies)
        except reasons.UnexplainedError as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
