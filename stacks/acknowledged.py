"""What was acknowledged in a synthesized app: ``python -m stacks.acknowledged [cdk.out]`` prints it rule by rule."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path


def acknowledged(assembly: Path) -> Iterator[tuple[str, str, str]]:
    """Yield rule, path of the construct and reason of every acknowledged finding of cdk-nag.

    Raises:
        FileNotFoundError: ``assembly`` holds no validation report, because nothing was synthesized into it.
    """
    report = json.loads((assembly / "validation-report.json").read_text("utf-8"))
    for plugin in report["pluginReports"]:
        for finding in plugin.get("suppressedViolations", ()):
            rule = finding["ruleName"].partition("[")[0]
            for construct in finding["violatingConstructs"]:
                yield rule, construct["constructPath"], finding["reason"]


def main() -> int:
    """Print the table; returns the exit code."""
    found = list(acknowledged(Path(sys.argv[1] if len(sys.argv) > 1 else "cdk.out")))
    reasons = {(rule, reason) for rule, _, reason in found}
    for rule, count in sorted(Counter(rule for rule, _, _ in found).items()):
        why = sum(of == rule for of, _ in reasons)
        sys.stdout.write(f"{count:6}  {rule}, {why} {'reason' if why == 1 else 'reasons'}\n")
    sys.stdout.write(f"{len(found):6}  acknowledged, {len({reason for _, reason in reasons})} reasons in all\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
