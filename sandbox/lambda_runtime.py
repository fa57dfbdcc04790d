"""What AWS gives a Python Lambda besides its own code: the runtime's packages and public layers.

AWS pages: "Lambda runtimes" (Runtime-included libraries), "Building Lambda functions with Python" (Runtime-included
SDK versions) and Powertools for AWS Lambda (Python), "Installation: Lambda Layer".
"""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.packages import closure, link_directory

#: The SDK that every Python runtime carries; its requirements (botocore, s3transfer, jmespath, …) come along.
RUNTIME_PACKAGES = ("boto3",)

#: What AWS's public layers hold, by the account that owns them and the layer's name.
_POWERTOOLS = ("aws-lambda-powertools[parser,tracer]",)
_PUBLIC_LAYERS: tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...] = (
    ("017000801446", re.compile(r"AWSLambdaPowertoolsPythonV3-python3\d+-(x86_64|arm64)"), _POWERTOOLS),
)
_LAYER_ARN = re.compile(r":(?P<account>\d{12}):layer:(?P<name>[A-Za-z0-9_-]+):(?P<version>\d+)$")


@dataclass(frozen=True, order=True)
class LayerVersion:
    """A layer of another account that a template refers to."""

    account: str
    name: str
    version: int


def runtime_directory(parent: Path) -> Path:
    """The directory with the packages of the Lambda Python runtime."""
    return link_directory(parent, closure(RUNTIME_PACKAGES))


def layer_directory(parent: Path, layer: LayerVersion) -> Path:
    """The directory with the packages of a public layer, without those of the runtime.

    Raises:
        SandboxError: when the sandbox does not know the layer.
    """
    for account, pattern, packages in _PUBLIC_LAYERS:
        if layer.account == account and pattern.fullmatch(layer.name):
            return link_directory(parent, closure(packages, without=closure(RUNTIME_PACKAGES)))
    known = ", ".join(f"{account}:{pattern.pattern}" for account, pattern, _ in _PUBLIC_LAYERS)
    raise SandboxError(
        f"A template uses the layer {layer.account}:layer:{layer.name}:{layer.version}, which the sandbox lacks. "
        f"Known are {known}; add another to _PUBLIC_LAYERS in sandbox/lambda_runtime.py."
    )


def layers_of(assembly: Path) -> list[LayerVersion]:
    """The layers that the templates of a cloud assembly (`cdk.out`) refer to by their ARN, nested ones included."""
    found: set[LayerVersion] = set()
    for path in sorted(assembly.rglob("*.template.json")):
        resources = json.loads(path.read_text(encoding="utf-8")).get("Resources", {})
        for resource in resources.values():
            if resource.get("Type") == "AWS::Lambda::Function":
                found.update(_layer_references(resource.get("Properties", {}).get("Layers", [])))
    return sorted(found)


def _layer_references(node: Any) -> Iterable[LayerVersion]:
    """The layer ARNs below a node; with an unresolved partition or region the ARN's end stands in a `Fn::Join`."""
    if isinstance(node, str):
        if match := _LAYER_ARN.search(node):
            yield LayerVersion(account=match["account"], name=match["name"], version=int(match["version"]))
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from _layer_references(child)


def layer_archive(directory: Path) -> bytes:
    """A layer's zip that makes the packages of `directory` importable.

    The zip holds one path file instead of the packages: Lambda treats `python/lib/<version>/site-packages` of a layer
    as a site directory ("Packaging your layer content"), and the packages keep their compiled bytecode that way.
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("python/lib/python3/site-packages/layer.pth", f"{directory.resolve()}\n")
    return archive.getvalue()


def publish_layers(
    layers: Iterable[LayerVersion], *, parent: Path, client: Callable[[str], Any], runtimes: tuple[str, ...]
) -> None:
    """Publish the layers in the embedded AWS through its public API, as their owners did on AWS.

    A layer's version numbers count up from 1, so earlier versions are published as well until the wanted one exists.

    Args:
        layers: what to publish.
        parent: where the packages are linked.
        client: a Lambda client that acts as the account it is given.
        runtimes: the runtimes that the layers declare.
    """
    for layer in layers:
        content = layer_archive(layer_directory(parent, layer))
        owner = client(layer.account)
        newest = max(
            (item["Version"] for item in owner.list_layer_versions(LayerName=layer.name)["LayerVersions"]), default=0
        )
        for version in range(newest + 1, layer.version + 1):
            owner.publish_layer_version(
                LayerName=layer.name,
                Content={"ZipFile": content},
                CompatibleRuntimes=list(runtimes),
                Description="The equivalent of the public layer, from the packages of this machine",
            )
            if version == layer.version:
                owner.add_layer_version_permission(
                    LayerName=layer.name,
                    VersionNumber=version,
                    StatementId="public",
                    Action="lambda:GetLayerVersion",
                    Principal="*",
                )
