"""What the stacks of a cloud assembly claim for themselves in an account: names of resources, and exports."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Names that are unique within something else: a role's policy, a function's alias, an API's stage or authorizer.
_WITHIN_ANOTHER = {
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Stage",
    "AWS::IAM::Policy",
    "AWS::Lambda::Alias",
}
_EVERYWHERE = {"AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::S3::Bucket"}
"""Names that an account has once for all of its regions, or all accounts together."""


@dataclass(frozen=True)
class DeployedStack:
    """A stack where it goes. ``place`` is ``aws://<account>/<region>``."""

    name: str
    place: str
    template: Mapping[str, Any]

    def claims(self) -> Iterator[str]:
        """Each name that no other stack may have as well, with its kind and the place that has it once."""
        account = self.place.rpartition("/")[0]
        for resource in self.template["Resources"].values():
            kind, properties = resource["Type"], resource.get("Properties", {})
            name = properties.get("Name", properties.get(f"{kind.rpartition(':')[2]}Name"))
            if name is not None and kind not in _WITHIN_ANOTHER:
                yield f"{account if kind in _EVERYWHERE else self.place} {kind} {json.dumps(name)}"
        for output in self.template.get("Outputs", {}).values():
            if "Export" in output:
                yield f"{self.place} export {json.dumps(output['Export']['Name'])}"


def stacks_in(*folders: Path) -> list[DeployedStack]:
    """The stacks of cloud assemblies, each once: a pipeline deploys the stack that is deployed without it."""
    found: dict[tuple[str, str], DeployedStack] = {}
    for folder in folders:
        for manifest in sorted(folder.glob("**/manifest.json")):
            for key, one in json.loads(manifest.read_text("utf-8"))["artifacts"].items():
                if one["type"] == "aws:cloudformation:stack":
                    name = one["properties"].get("stackName", key)
                    template = json.loads((manifest.parent / one["properties"]["templateFile"]).read_text("utf-8"))
                    stack = DeployedStack(name=name, place=one["environment"], template=template)
                    found.setdefault((stack.place, name), stack)
    return list(found.values())
