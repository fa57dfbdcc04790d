"""One synthesized app for all tests: the templates that `python app.py` writes, as people and CI run it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

import pytest

from stacks.assembly import build_app
from stacks.guardrails import add_guardrails
from stacks.settings import load_projects

ROOT = Path(__file__).resolve().parents[2]
STACKS = ("Storage", "Training", "Serving", "Monitoring", "Application")

# Runs app.py with every way to the network closed: in Python, and in the Node.js process behind the CDK.
RUN_OFFLINE = """
import runpy, sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise RuntimeError(f"synth must not use the network: {event} {arguments}")
sys.addaudithook(refuse)
try:
    runpy.run_path("app.py", run_name="__main__")
finally:
    print("sagemaker imported:", any(name.split(".")[0] == "sagemaker" for name in sys.modules))
"""
REFUSE_IN_NODE = """
const refuse = (what) => () => { throw new Error(`synth must not use the network: ${what}`); };
require("net").Socket.prototype.connect = refuse("connect");
require("dns").lookup = refuse("lookup");
"""


@dataclass(frozen=True)
class Template:
    """A synthesized template."""

    body: Mapping[str, Any]

    def all(self, kind: str) -> dict[str, Any]:
        """Properties of the resources of a type, by logical id."""
        found = {name: one for name, one in self.body["Resources"].items() if one["Type"] == kind}
        return {name: one.get("Properties", {}) for name, one in found.items()}

    def id(self, kind: str, start: str) -> str:
        """Logical id of the only resource of a type whose id starts so."""
        (name,) = (name for name in self.all(kind) if name.startswith(start))
        return name

    def one(self, kind: str, start: str) -> Any:
        """Properties of that resource."""
        return self.all(kind)[self.id(kind, start)]


@dataclass(frozen=True)
class Assembly:
    """A cloud assembly (`cdk.out`)."""

    folder: Path
    said: str = ""

    def template(self, stage: str, stack: str, *, delivered_by: str = "") -> Template:
        """The template of an environment's stack, as it is or as a delivery stack deploys it."""
        start = f"{delivered_by}-{stage}{stack}".replace("-", "")
        folder = "-".join(filter(None, ("assembly", delivered_by, stage)))
        (file,) = (self.folder / folder).glob(f"{start}*.template.json")
        return Template(json.loads(file.read_text("utf-8")))

    def delivery(self, side: str, project: str = "flights") -> Template:
        """The template of a delivery pipeline."""
        return Template(json.loads((self.folder / f"{project}-delivery-{side}.template.json").read_text("utf-8")))

    def templates(self) -> list[Path]:
        """The files of all templates."""
        return sorted(self.folder.glob("**/*.template.json"))

    def manifest(self, stage: str) -> Mapping[str, Any]:
        """What the CDK command line knows of a stage's stacks, by stack name."""
        text = (self.folder / f"assembly-{stage}" / "manifest.json").read_text("utf-8")
        artifacts = json.loads(text)["artifacts"].values()
        return {one["displayName"]: one for one in artifacts if one["type"] == "aws:cloudformation:stack"}


SIDES = ("application", "ml")
"""Of a delivery."""


@pytest.fixture(scope="session", name="assembly")
def _assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """What `python app.py` writes without AWS variables and without a network."""
    folder = tmp_path_factory.mktemp("synth")
    (folder / "refuse.js").write_text(REFUSE_IN_NODE)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_", "JSII_"))}
    done = subprocess.run(
        [sys.executable, "-c", RUN_OFFLINE],
        cwd=ROOT,
        env=kept | {"CDK_OUTDIR": str(folder / "cdk.out"), "NODE_OPTIONS": f"--require {folder / 'refuse.js'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Assembly(folder / "cdk.out", said=done.stdout)


def _synthesized(
    folder: Path, change: Callable[[str], str], files: Mapping[str, str] | None, *, guarded: bool, **context: Any
) -> Assembly:
    """Both projects, `project.toml` changed and `files` added in that of the reference project, below `folder`."""
    projects = Path("pipelines", "projects")
    copytree(ROOT / projects, folder / projects, ignore=ignore_patterns("__pycache__"))
    for name, text in (files or {}).items():
        (folder / projects / name).write_text(text, "utf-8")
    file = folder / projects / "flights" / "project.toml"
    file.write_text(change(file.read_text("utf-8")), "utf-8")
    unguarded = {} if guarded else {"@aws-cdk/core:validateAgainstDefaultRules": False}
    app = build_app(
        load_projects(folder),
        root=ROOT,
        outdir=folder / "cdk.out",
        context=unguarded | {"project": "flights"} | context,
    )
    if guarded:
        add_guardrails(app)
    app.synth()
    return Assembly(folder / "cdk.out")


@pytest.fixture(name="synthesize")
def _synthesize(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Assembly]:
    """Synthesizes a changed `project.toml` of the reference project in this process, without guardrails."""

    def synthesize(
        change: Callable[[str], str] = str, *, files: Mapping[str, str] | None = None, **context: Any
    ) -> Assembly:
        return _synthesized(tmp_path_factory.mktemp("changed"), change, files, guarded=False, **context)

    return synthesize


@pytest.fixture(name="guarded", scope="session")
def _guarded(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Assembly]:
    """The same with guardrails, which raise for a finding that nobody accepted."""

    def synthesize(
        change: Callable[[str], str] = str, *, files: Mapping[str, str] | None = None, **context: Any
    ) -> Assembly:
        return _synthesized(tmp_path_factory.mktemp("shape"), change, files, guarded=True, **context)

    return synthesize


@pytest.fixture(scope="session", name="isolated")
def _isolated(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The production environment in a network of its own, with guardrails; its region is known at synth."""
    folder, opening = tmp_path_factory.mktemp("isolated"), "[environments.production]\n"
    place = 'network = "isolated"\naccount = "123456789012"\nregion = "eu-west-1"\n'

    def change(text: str) -> str:
        # Its delivery would have to know an account as well.
        alone = re.sub(r"(?ms)^\[delivery\].*?(?=^\[)", "", text)
        return alone.replace(opening, opening + place)

    return _synthesized(folder, change, None, guarded=True, environment="production")


@pytest.fixture(name="sandbox")
def _sandbox(assembly: Assembly) -> Mapping[str, Template]:
    return {stack: assembly.template("flights-sandbox", stack) for stack in STACKS}


@pytest.fixture(name="production")
def _production(assembly: Assembly) -> Mapping[str, Template]:
    return {stack: assembly.template("flights-production", stack) for stack in STACKS}


@pytest.fixture(name="storage")
def _storage(sandbox: Mapping[str, Template]) -> Template:
    return sandbox["Storage"]


@pytest.fixture(name="training")
def _training(sandbox: Mapping[str, Template]) -> Template:
    return sandbox["Training"]


@pytest.fixture(name="serving")
def _serving(sandbox: Mapping[str, Template]) -> Template:
    return sandbox["Serving"]


@pytest.fixture(name="application")
def _application(sandbox: Mapping[str, Template]) -> Template:
    return sandbox["Application"]


@pytest.fixture(name="monitoring")
def _monitoring(sandbox: Mapping[str, Template]) -> Template:
    return sandbox["Monitoring"]


@pytest.fixture(name="side", params=SIDES)
def _side(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(name="line")
def _line(assembly: Any, side: str) -> Any:
    """The template of the pipeline of a side."""
    return assembly.delivery(side)
