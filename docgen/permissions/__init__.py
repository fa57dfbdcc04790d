"""What each role may do and why: grants from the synthesized templates, reasons from docs/permissions.toml."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from docgen.permissions import assemblies, reasons, tables

PAGE: Final = tables.PAGE


def page(root: Path) -> str:
    """Synthesize the reference project in every shape; return the page with the tables of what it grants.

    Raises:
        UnexplainedError: a grant without a reason, or a reason without a grant.
    """
    with TemporaryDirectory() as folder:
        shapes = tables.Shapes(
            plain=assemblies.synthesize(root, Path(folder, "all")),
            others={
                "isolated": assemblies.synthesize_isolated(root, Path(folder, "isolated")),
                "spark": assemblies.synthesize_spark(root, Path(folder, "spark")),
                "jwt": assemblies.synthesize_jwt(root, Path(folder, "jwt")),
            },
        )
        return from_shapes(root, shapes)


def from_shapes(root: Path, shapes: tables.Shapes) -> str:
    """Return the page with the tables of what these assemblies grant.

    Raises:
        UnexplainedError: see `page`.
    """
    policies = reasons.load_policies(root)
    tables.refuse_unexplained(shapes, policies)
    text = (root / PAGE).read_text("utf-8")
    return tables.told(text, tables.explained(shapes, reasons.load(root)), policies)
