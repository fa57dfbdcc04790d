"""Who may import whom: the sandbox runs what was synthesized and reaches into nothing else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SANDBOX = Path(__file__).parents[3] / "sandbox"
MODULES = sorted(SANDBOX.rglob("*.py"))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SANDBOX)))
def test_the_sandbox_imports_nothing_of_what_it_runs(path: Path) -> None:
    roots = {name.partition(".")[0] for name in _imports(path)}
    assert roots.isdisjoint({"app", "application", "lambdas", "pipelines", "stacks"})


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SANDBOX)))
def test_only_the_adapter_knows_the_emulator(path: Path) -> None:
    if (SANDBOX / "adapter") not in path.parents:
        assert not [name for name in _imports(path) if name.partition(".")[0] == "ministack"]
        assert not [name for name in _imports(path) if name == "sandbox.adapter.internals"]
