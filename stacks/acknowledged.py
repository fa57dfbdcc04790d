"""What was acknowledged in a synthesized app: ``python -m stacks.acknowledged [cdk.out]`` counts it, place by place.

A place is an environment, a delivery pipeline, or the app itself for what is declined once for all templates. An
environment that delivery pipelines carry too is synthesized again by them, with the same statements: it counts once.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

EVERYWHERE: Final = "every template"


@dataclass(frozen=True, order=True)
class Acknowledged:
    """One decision.

    Attributes:
        place: name of the environment or of the delivery stack, or ``EVERYWHERE``.
        rule: rule of cdk-nag or check of Checkov.
        finding: the exact finding of the rule.
        construct: path below the place of what it was acknowledged on.
        reason: why.
    """

    place: str
    rule: str
    finding: str
    construct: str
    reason: str


def acknowledged(assembly: Path) -> frozenset[Acknowledged]:
    """Read every acknowledgement of a finding of cdk-nag, and every check that Checkov is told to skip.

    Raises:
        FileNotFoundError: ``assembly`` holds no validation report, because nothing was synthesized into it.
    """
    report = json.loads((assembly / "validation-report.json").read_text("utf-8"))
    stages = frozenset(_stages(assembly))
    return frozenset([*_by_cdk_nag(report, stages), *_by_checkov(assembly, stages)])


def most_in_one_place(found: Iterable[Acknowledged]) -> dict[str, int]:
    """Return for each rule how many acknowledgements the place with the most of them has."""
    most: dict[str, int] = {}
    for (_, rule), count in Counter((each.place, each.rule) for each in found).items():
        most[rule] = max(most.get(rule, 0), count)
    return most


def main() -> int:
    """Print a table for each place and a line for all of them; returns the exit code."""
    found = acknowledged(Path(sys.argv[1] if len(sys.argv) > 1 else "cdk.out"))
    places = Counter(each.place for each in found)
    for place, total in sorted(places.items()):
        sys.stdout.write(f"{place}: {total} acknowledged\n")
        here = [each for each in found if each.place == place]
        for rule, count in sorted(Counter(each.rule for each in here).items()):
            why = len({each.reason for each in here if each.rule == rule})
            sys.stdout.write(f"{count:6}  {rule}, {why} {'reason' if why == 1 else 'reasons'}\n")
    once = places.pop(EVERYWHERE, 0)
    sys.stdout.write(
        f"{len(found)} acknowledged, {once} of them once for every template, "
        f"at most {max(places.values(), default=0)} in one of {len(places)} environments and pipelines; "
        f"{len({each.reason for each in found})} reasons in all\n"
    )
    return 0


def _by_cdk_nag(report: dict[str, Any], stages: frozenset[str]) -> Iterator[Acknowledged]:
    for plugin in report["pluginReports"]:
        for finding in plugin.get("suppressedViolations", ()):
            # The path of the app itself is empty, and the report leaves it out.
            place, construct = _placed(finding.get("acknowledgedAt", ""), stages)
            name = finding["ruleName"]
            yield Acknowledged(place, name.partition("[")[0], name, construct, finding["reason"])


def _by_checkov(folder: Path, stages: frozenset[str]) -> Iterator[Acknowledged]:
    for artifact in _artifacts(folder):
        if artifact["type"] == "aws:cloudformation:stack":
            template = json.loads((folder / artifact["properties"]["templateFile"]).read_text("utf-8"))
            place, stack = _placed(artifact["displayName"], stages)
            for name, resource in template["Resources"].items():
                for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", ()):
                    yield Acknowledged(place, skip["id"], skip["id"], f"{stack}/{name}", skip["comment"])
        elif artifact["type"] == "cdk:cloud-assembly":
            yield from _by_checkov(folder / artifact["properties"]["directoryName"], stages)


def _stages(assembly: Path) -> Iterator[str]:
    for artifact in _artifacts(assembly):
        if artifact["type"] == "cdk:cloud-assembly":
            yield artifact["properties"]["displayName"]


def _artifacts(folder: Path) -> Iterator[dict[str, Any]]:
    yield from json.loads((folder / "manifest.json").read_text("utf-8"))["artifacts"].values()


def _placed(path: str, stages: frozenset[str]) -> tuple[str, str]:
    """Tell the place from the rest of a construct's path; the stage of a delivery pipeline is the environment."""
    parts = path.split("/") if path else []
    for length in range(1, len(parts) + 1):
        if "/".join(parts[:length]) in stages:
            return parts[length - 1], "/".join(parts[length:])
    return (parts[0], "/".join(parts[1:])) if parts else (EVERYWHERE, "")


if __name__ == "__main__":
    sys.exit(main())
